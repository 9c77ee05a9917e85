/** The part of the engine contract about SQL that begins or ends transactions: it cannot, behind their back. */
import { expect } from 'chai';
import { CompiledQuery, sql } from 'kysely';
import { QueryError, TransactionAbortedError, type DatabaseProvider } from '../../../src/core/index.ts';
import { rejectionOf } from '../../support/rejection.ts';

const boundaries = [
  'begin',
  'start transaction',
  'commit',
  'end',
  'rollback',
  ' COMMIT ; ',
  '-- well\n/* now */ commit',
  ';/* a /* b */ c */commit',
  '/* /* */ commit',
  "prepare transaction 'x'",
  // White space and the end of a comment to one engine, and not to the other.
  '\uFEFFcommit',
  '-- a\rcommit',
  '-- a\rselect 1\ncommit',
];

/**
 * Declares the suite inside the running `describe`.
 *
 * @param open makes a provider on a new database, which the caller closes
 */
export function describeTransactionControl<DB>(open: () => Promise<DatabaseProvider<DB>>): void {
  async function openWithEntries(): Promise<DatabaseProvider<DB>> {
    const provider = await open();
    await provider.exec('create table entries (id integer not null primary key)');
    return provider;
  }

  for (const text of boundaries) {
    it(`${JSON.stringify(text)} in a transaction keeps nothing of it, whoever swallows the refusal`, async () => {
      const provider = await openWithEntries();
      const outcome = provider.transaction(async (tx) => {
        await sql`insert into entries values (1)`.execute(tx);
        expect(await rejectionOf(sql.raw(text).execute(tx))).to.be.instanceOf(QueryError);
        await rejectionOf(sql`insert into entries values (2)`.execute(tx));
      });
      const error = await rejectionOf(outcome);
      expect(error).to.be.instanceOf(TransactionAbortedError);
      expect((error as Error).cause).to.be.instanceOf(QueryError);
      expect(await provider.query('select id from entries')).to.deep.equal([]);
      expect(provider.stats()).to.include({ busy: 0 });
    });
  }

  it('nor does it behind a semicolon, where no second statement is taken', async () => {
    const provider = await openWithEntries();
    const mine = new Error('mine');
    const outcome = provider.transaction(async (tx) => {
      await sql`insert into entries values (1)`.execute(tx);
      // Refused by our engines; another one may run the first statement and drop the rest.
      await sql`select 1; commit`.execute(tx).catch(() => undefined);
      throw mine;
    });
    expect(await rejectionOf(outcome)).to.equal(mine);
    expect(await provider.query('select id from entries')).to.deep.equal([]);
  });

  it('nor does it as a statement of its own', async () => {
    const provider = await openWithEntries();
    const { direct } = provider;
    if (direct === undefined) return;
    for (const text of [...boundaries, 'savepoint a', 'release a', 'rollback to a']) {
      const queries = [CompiledQuery.raw(text), CompiledQuery.raw('insert into entries values (1)')];
      expect(await rejectionOf(provider.exec(text)), text).to.be.instanceOf(QueryError);
      const { signal } = new AbortController();
      expect(await rejectionOf(direct.execute(queries[0]!, { signal })), text).to.be.instanceOf(QueryError);
      if (!boundaries.includes(text)) continue;
      expect(await rejectionOf(direct.batch(queries)), text).to.be.instanceOf(QueryError);
    }
    expect(await provider.query('select id from entries')).to.deep.equal([]);
    expect(provider.stats()).to.include({ busy: 0 });
  });

  it('but a connection that its holder keeps may', async () => {
    const provider = await openWithEntries();
    await provider.db.connection().execute(async (db) => {
      await db.transaction().execute((tx) => sql`select 1`.execute(tx));
      for (const ending of ['commit', 'rollback']) {
        await sql`begin`.execute(db);
        await sql`insert into entries select count(*) from entries`.execute(db);
        await sql.raw(ending).execute(db);
      }
    });
    expect(await provider.query('select id from entries')).to.deep.equal([{ id: 0 }]);
  });
}

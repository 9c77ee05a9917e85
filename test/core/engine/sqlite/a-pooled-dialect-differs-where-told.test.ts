/** What docs/standalone-dialects.md says of SQLite, where Kysely's own dialect does otherwise. */
import { expect } from 'chai';
import { Kysely, sql } from 'kysely';
import { join } from 'node:path';
import {
  ConfigurationError,
  PoolTimeoutError,
  TransactionAbortedError,
  ValidationError,
} from '../../../../src/core/index.ts';
import { PooledSqliteDialect } from '../../../../src/core/engine/sqlite/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';

interface Tables {
  notes: { id: number; text: string };
}

describe('a pooled SQLite dialect differs where told', () => {
  let db: Kysely<Tables>;

  beforeEach(async () => {
    const filename = join(makeTempDirectory('differs'), 'made', 'app.db');
    db = new Kysely<Tables>({ dialect: new PooledSqliteDialect({ filename, pool: { acquireTimeout: 50 } }) });
    await sql`create table notes (id integer primary key, text text)`.execute(db);
    await db.insertInto('notes').values({ id: 1, text: 'a' }).execute();
  });
  afterEach(() => db.destroy());

  const count = async () => (await db.selectFrom('notes').select('id').execute()).length;

  it('a read-only transaction refuses to write', async () => {
    const tx = await db.startTransaction().setAccessMode('read only').execute();
    const error = await rejectionOf(tx.deleteFrom('notes').execute());
    await tx.rollback().execute();
    expect(error).to.include({ name: 'SqliteError', code: 'SQLITE_READONLY' });
    expect(await count()).to.equal(1);
  });

  it('nothing runs behind a transaction that SQLite has rolled back', async () => {
    const error = await rejectionOf(
      db.transaction().execute(async (tx) => {
        await rejectionOf(sql`insert or rollback into notes values (1, 'b')`.execute(tx));
        await tx.insertInto('notes').values({ id: 2, text: 'stays' }).execute();
      }),
    );
    expect(error).to.be.instanceOf(TransactionAbortedError);
    expect(await count()).to.equal(1);
  });

  it('a file has settings of its own', async () => {
    const names = ['journal_mode', 'synchronous', 'foreign_keys', 'trusted_schema', 'busy_timeout'];
    const settings = await db.connection().execute(async (connection) => {
      const rows = [];
      for (const name of names) rows.push((await sql`pragma ${sql.raw(name)}`.execute(connection)).rows[0]);
      return rows.map((row) => Object.values(row as object)[0] as unknown);
    });
    expect(settings).to.deep.equal(['wal', 2, 1, 0, 0]);
  });

  it('a write may be streamed', async () => {
    const rows = [];
    for await (const row of db.deleteFrom('notes').returning('text').stream(1)) rows.push(row);
    expect(rows).to.deep.equal([{ text: 'a' }]);
  });

  it('another handle reads inside of a transaction, and does not wait for ever to write', async () => {
    await db.transaction().execute(async (tx) => {
      await tx.insertInto('notes').values({ id: 2, text: 'b' }).execute();
      expect(await count()).to.equal(1);
      const error = await rejectionOf(db.deleteFrom('notes').execute());
      expect(error).to.be.instanceOf(PoolTimeoutError);
    });
    expect(await count()).to.equal(2);
  });

  it('the loop of a stream may write', async () => {
    for await (const { id } of db.selectFrom('notes').select('id').stream(1)) {
      await db.updateTable('notes').set({ text: 'seen' }).where('id', '=', id).execute();
    }
    expect(await db.selectFrom('notes').select('text').execute()).to.deep.equal([{ text: 'seen' }]);
  });

  it('a chunk has at least one row', async () => {
    expect(await rejectionOf(db.selectFrom('notes').selectAll().stream(0).next())).to.be.instanceOf(
      ValidationError,
    );
  });

  it('a name that is empty or blank is refused', () => {
    for (const filename of ['', ' ']) {
      expect(() => new PooledSqliteDialect({ filename })).to.throw(ConfigurationError, /filename/);
    }
  });
});

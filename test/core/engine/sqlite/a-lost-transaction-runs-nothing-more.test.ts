import { expect } from 'chai';
import { sql } from 'kysely';
import {
  DatabaseProviderFactory,
  DiskFullError,
  TransactionAbortedError,
  UniqueViolationError,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';

interface Tables {
  notes: { id: number; text: string };
}

describeOnDatabase('sqlite-file', 'a transaction that SQLite rolled back by itself', (database) => {
  let provider: DatabaseProvider<Tables>;

  beforeEach(async () => {
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
    await provider.exec('create table notes (id integer primary key, text text not null) strict');
    await provider.exec("insert into notes values (1, 'kept')");
  });

  afterEach(() => provider.close());

  const add = (db: typeof provider.db, id: number, text = 'new') =>
    db.insertInto('notes').values({ id, text }).execute();

  const lose = (db: typeof provider.db) => sql`insert or rollback into notes values (1, 'again')`.execute(db);

  async function expectOnlyTheFirst(): Promise<void> {
    expect(await provider.query('select id, text from notes')).to.deep.equal([{ id: 1, text: 'kept' }]);
    expect(provider.stats()).to.include({ busy: 0 });
    await add(provider.db, 2);
  }

  it('runs no further statement', async () => {
    const outcome = provider.transaction(async (tx) => {
      await add(tx, 10);
      expect(await rejectionOf(lose(tx))).to.be.instanceOf(UniqueViolationError);
      await add(tx, 11);
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(TransactionAbortedError);
    await expectOnlyTheFirst();
  });

  it('is not committed either', async () => {
    const outcome = provider.transaction(async (tx) => {
      await add(tx, 10);
      await rejectionOf(lose(tx));
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(TransactionAbortedError);
    await expectOnlyTheFirst();
  });

  it('ends by hand as well: the commit fails, and Kysely lets go of the connection', async () => {
    const tx = await provider.db.startTransaction().execute();
    await rejectionOf(lose(tx));
    expect(await rejectionOf(tx.savepoint('here').execute())).to.be.instanceOf(TransactionAbortedError);
    expect(await rejectionOf(tx.commit().execute())).to.be.instanceOf(TransactionAbortedError);
    await expectOnlyTheFirst();
  });

  it('ends by hand with a rollback in peace', async () => {
    const tx = await provider.db.startTransaction().execute();
    await rejectionOf(lose(tx));
    await tx.rollback().execute();
    await expectOnlyTheFirst();
  });

  it('is gone as a whole when the disk is full', async () => {
    await provider.query('pragma max_page_count = 40');
    // A small cache spills to the disk within the transaction.
    await provider.query('pragma cache_size = 5');
    const outcome = provider.transaction(async (tx) => {
      let full: unknown;
      for (let id = 10; full === undefined; id += 1)
        await add(tx, id, 'x'.repeat(8_000)).catch((error: unknown) => (full = error));
      expect(full).to.be.instanceOf(DiskFullError);
      await add(tx, 1_000);
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(TransactionAbortedError);
    await expectOnlyTheFirst();
  });

  it('leaves a connection that its holder keeps as it was', async () => {
    await provider.db.connection().execute(async (db) => {
      const readOnly = db.transaction().setAccessMode('read only');
      await rejectionOf(readOnly.execute((tx) => sql`rollback`.execute(tx)));
      await add(db, 3);
      await db.transaction().execute((tx) => add(tx, 4));
    });
    expect(await provider.query('select id from notes order by id')).to.deep.equal([
      { id: 1 },
      { id: 3 },
      { id: 4 },
    ]);
  });
});

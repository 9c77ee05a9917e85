import { expect } from 'chai';
import { sql } from 'kysely';
import { ReadOnlyDatabaseError, UniqueViolationError } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a transaction begins with its first statement', (postgres) => {
  it('and one without any sends nothing', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.openWithItems({ url, pool: { max: 1 } });
    const last =
      'select query, state from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
    await provider.query('select 42 as marker');
    const before = await postgres.askServer(url, last);
    await provider.transaction(() => Promise.resolve());
    await rejectionOf(provider.transaction(() => Promise.reject(new Error('mine'))));
    const controlled = await provider.db.startTransaction().execute();
    await controlled.rollback().execute();
    expect(await postgres.askServer(url, last)).to.deep.equal(before);
    expect(provider.stats()).to.include({ created: 1, retired: 0, busy: 0 });
  });

  it('and its settings hold from there on', async () => {
    const provider = await postgres.openWithItems();
    const level = await provider.transaction(
      async (tx) =>
        (await sql<{ transaction_isolation: string }>`show transaction_isolation`.execute(tx)).rows,
      { isolation: 'serializable' },
    );
    expect(level).to.deep.equal([{ transaction_isolation: 'serializable' }]);
    const write = provider.transaction(
      (tx) => tx.insertInto('items').values({ id: 1, name: null }).execute(),
      { readOnly: true },
    );
    expect(await rejectionOf(write)).to.be.instanceOf(ReadOnlyDatabaseError);
  });

  it('and SQL text may still set it up before its first query', async () => {
    const provider = await postgres.openWithItems();
    const rows = await provider.transaction(async (tx) => {
      await sql`lock table items in share mode`.execute(tx);
      await sql`set transaction isolation level serializable`.execute(tx);
      await sql`set transaction read only`.execute(tx);
      await sql`set transaction isolation level repeatable read`.execute(tx);
      return (await sql<{ transaction_isolation: string }>`show transaction_isolation`.execute(tx)).rows;
    });
    expect(rows).to.deep.equal([{ transaction_isolation: 'repeatable read' }]);
  });

  it('also where that is a savepoint, a stream, or one that fails', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    const tx = await provider.db.startTransaction().execute();
    const inner = await tx.savepoint('here').execute();
    await inner.insertInto('items').values({ id: 1, name: 'undone' }).execute();
    await inner.rollbackToSavepoint('here').execute();
    await tx.insertInto('items').values({ id: 2, name: 'kept' }).execute();
    await tx.commit().execute();
    await provider.transaction(async (streaming) => {
      for await (const { id } of streaming.selectFrom('items').select('id').stream(1)) expect(id).to.equal(2);
      await streaming.insertInto('items').values({ id: 3, name: 'kept' }).execute();
    });
    const failing = provider.transaction((first) =>
      first.insertInto('items').values({ id: 2, name: 'twice' }).execute(),
    );
    expect(await rejectionOf(failing)).to.be.instanceOf(UniqueViolationError);
    expect(await provider.query('select id from items order by id')).to.deep.equal([{ id: 2 }, { id: 3 }]);
    expect(provider.stats()).to.include({ created: 1, retired: 0 });
  });

  it('statements that are asked for at once all belong to it', async () => {
    const provider = await postgres.openWithItems();
    const undone = provider.transaction(async (tx) => {
      await Promise.all(
        [1, 2, 3, 4].map((id) => tx.insertInto('items').values({ id, name: null }).execute()),
      );
      throw new Error('mine');
    });
    expect(await rejectionOf(undone)).to.have.property('message', 'mine');
    expect(await provider.query('select * from items')).to.deep.equal([]);
  });
});

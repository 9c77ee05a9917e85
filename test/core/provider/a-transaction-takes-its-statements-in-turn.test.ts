import { expect } from 'chai';
import { sql } from 'kysely';
import { TransactionAbortedError } from '../../../src/core/foundation/errors/transaction-errors.ts';
import type { PoolEvent } from '../../../src/core/foundation/pool-event.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { outside } from '../../../src/core/provider/transaction-context.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { createThingRepository, makeThing, openThings, type Tables } from '../repository/things.ts';

describeOnEachDatabase('a transaction takes its statements in turn', (database) => {
  let provider: DatabaseProvider<Tables>;

  before(async () => {
    provider = await openThings(database);
  });
  beforeEach(() => provider.db.deleteFrom('things').execute());
  after(() => provider.close());

  const scores = async () => {
    const rows = await provider.db.selectFrom('things').select('score').orderBy('score').execute();
    return rows.map(({ score }) => score);
  };

  it('also in the loop over a stream, and of two streams at once', async () => {
    await createThingRepository(provider).insertMany([1, 2, 3, 4, 5].map((score) => makeThing({ score })));
    const seen = await provider.transaction(async (tx) => {
      const pairs: number[][] = [];
      for await (const { id, score } of tx.selectFrom('things').selectAll().orderBy('score').stream(2)) {
        const inner = tx.selectFrom('things').select('score').where('score', '<', 3).orderBy('score');
        for await (const other of inner.stream(1)) pairs.push([score, other.score]);
        await tx
          .updateTable('things')
          .set({ score: score + 10 })
          .where('id', '=', id)
          .execute();
      }
      return pairs;
    });
    expect(seen).to.deep.equal([
      [1, 1],
      [1, 2],
      [2, 2],
    ]);
    expect(await scores()).to.deep.equal([11, 12, 13, 14, 15]);
  });

  it('in the order in which they come, whichever way they go', async () => {
    const things = createThingRepository(provider);
    const id = crypto.randomUUID();
    await provider.transaction(async (tx) => {
      const first = things.insert(makeThing({ id, score: 1 }), { on: tx });
      const second = tx.updateTable('things').set({ score: 2 }).where('id', '=', id).execute();
      const third = things.getById(id, { on: tx });
      await Promise.all([first, second]);
      expect((await third).score).to.equal(2);
    });
  });

  it('and does not send what was aborted while it waited', async () => {
    const controller = new AbortController();
    const reason = new Error('no longer needed');
    await provider.transaction(async (tx) => {
      const before = tx
        .insertInto('things')
        .values(makeThing({ score: 1 }))
        .execute();
      const waiting = tx
        .insertInto('things')
        .values(makeThing({ score: 2 }))
        .execute({ signal: controller.signal });
      const streamed = tx
        .insertInto('things')
        .values(makeThing({ score: 3 }))
        .returning('id')
        .stream({ chunkSize: 1, signal: controller.signal })
        .next();
      controller.abort(reason);
      expect(await rejectionOf(waiting)).to.equal(reason);
      expect(await rejectionOf(streamed)).to.equal(reason);
      await before;
    });
    expect(await scores()).to.deep.equal([1]);
  });

  it('and leaves nothing behind where a stream is not read to its end', async () => {
    await createThingRepository(provider).insertMany([1, 2, 3].map((score) => makeThing({ score })));
    const stream = await provider.transaction(async (tx) => {
      const rows = tx.selectFrom('things').select('score').stream(1)[Symbol.asyncIterator]();
      await rows.next();
      return rows;
    });
    await stream.return?.();
    expect(provider.stats().busy).to.equal(0);
    expect(await scores()).to.deep.equal([1, 2, 3]);
  });
});

describeOnDatabase('postgres', 'what is cancelled while it waits for its turn', (database) => {
  for (const inflightQueryAbortStrategy of ['cancel query', 'kill session'] as const) {
    it(`hits no statement of another caller (${inflightQueryAbortStrategy})`, async () => {
      const provider = await openThings(database);
      const controller = new AbortController();
      await provider.transaction(async (tx) => {
        const before = sql`select pg_sleep(0.2)`.execute(tx);
        const waiting = tx
          .insertInto('things')
          .values(makeThing())
          .execute({ signal: controller.signal, inflightQueryAbortStrategy });
        const streamed = tx
          .insertInto('things')
          .values(makeThing())
          .returning('id')
          .stream({ chunkSize: 1, signal: controller.signal })
          .next();
        setImmediate(() => controller.abort(new Error('no longer needed')));
        await Promise.all([rejectionOf(waiting), rejectionOf(streamed)]);
        await before;
        await tx.insertInto('things').values(makeThing()).execute();
      });
      expect(await provider.db.selectFrom('things').select('id').execute()).to.have.length(1);
      await provider.close();
    });
  }
});

describeOnDatabase('postgres', 'a transaction that ends by the error of another one', (database) => {
  it('is rolled back like any other, and its connection serves on', async () => {
    const retired: PoolEvent[] = [];
    const provider = await openThings(database, {
      onPoolEvent: (event) => {
        if (event.type === 'retired') retired.push(event);
      },
    });
    const aborted = provider.transaction(async (outer) => {
      await outer.insertInto('things').values(makeThing()).execute();
      // What fails here unheard makes a ROLLBACK of the COMMIT.
      await outside(() => provider.transaction((inner) => rejectionOf(sql`select 1 / 0`.execute(inner))));
    });
    expect(await rejectionOf(aborted)).to.be.instanceOf(TransactionAbortedError);
    expect(retired).to.deep.equal([]);
    expect(await provider.db.selectFrom('things').selectAll().execute()).to.deep.equal([]);
    await provider.close();
  });
});

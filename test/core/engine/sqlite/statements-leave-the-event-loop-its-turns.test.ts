import { expect } from 'chai';
import { sql } from 'kysely';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';

/** Enough that they take longer than statements may run without a turn, however fast they are. */
const count = 40_000;

/** Counts the turns of the event loop while work runs. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = -1;
  const turn = () => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  try {
    await work();
    return turns;
  } finally {
    clearImmediate(next);
  }
}

for (const name of ['sqlite-file', 'sqlite-memory'] as const) {
  describeOnDatabase(name, 'a row of statements leaves the event loop its turns', (database) => {
    let provider: DatabaseProvider<unknown>;

    before(async () => {
      const url = await database.freshUrl();
      provider = DatabaseProviderFactory.createProvider({ url, pool: { maxWaiting: count } });
      await provider.initialize();
    });

    after(() => provider.close());

    it('where all are asked for at once, and keeps their order', async () => {
      const order: number[] = [];
      const all = () =>
        Promise.all(
          Array.from({ length: count }, (_, index) =>
            provider.query('select 1 as one').then(() => order.push(index)),
          ),
        );
      expect(await turnsDuring(all)).to.be.greaterThan(0);
      expect(order).to.deep.equal(Array.from({ length: count }, (_, index) => index));
    });

    it('where one caller awaits each', async () => {
      // Some times longer than statements may run without a turn, however fast they are.
      const oneByOne = async () => {
        const end = performance.now() + 50;
        while (performance.now() < end) await provider.query('select 1 as one');
      };
      expect(await turnsDuring(oneByOne)).to.be.greaterThan(0);
    });

    it('where they belong to one transaction', async () => {
      const inside = () =>
        provider.transaction(async (tx) => {
          for (let index = 0; index < count; index += 1) await sql`select 1`.execute(tx);
        });
      expect(await turnsDuring(inside)).to.be.greaterThan(0);
    });

    it('where a long result is streamed', async () => {
      const numbers = sql<{ n: number }>`with recursive numbers (n) as
        (select 1 union all select n + 1 from numbers where n < 40000) select n from numbers`;
      const query = numbers.compile(provider.db);
      const read = async () => {
        for await (const _ of provider.db.getExecutor().stream(query, 1)) continue;
      };
      // The first turn may come with the statement itself.
      expect(await turnsDuring(read)).to.be.greaterThan(1);
    });
  });
}

import { expect } from 'chai';
import { sql, type Kysely, type SqlBool } from 'kysely';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { backfill, defineSeed, runSeeds } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import type { Provider } from './copy-scene.ts';
import { useHandMade } from './hand-made.ts';

const schema = ['create table prices (id integer primary key, amount integer not null)'];
const seed = defineSeed({
  name: 'first',
  run: async (db: Kysely<{ prices: { id: number; amount: number } }>) =>
    void (await db.insertInto('prices').values({ id: 1, amount: 5 }).execute()),
});

/** Run twice, it would make cents out of cents. */
const toCents = (provider: Provider) =>
  backfill(provider, {
    name: 'cents',
    table: 'prices',
    key: 'id',
    set: { amount: sql`amount * ${100}` },
    where: sql<SqlBool>`amount < ${1_000}`,
  });

describeOnDatabase('sqlite-file', 'what a database has done once', (sqlite) => {
  describeOnEachDatabase('and was copied into', (other) => {
    const make = useHandMade();

    it('is not done again: seeds and backfills', async () => {
      const source = await make(await sqlite.freshUrl(), schema);
      await runSeeds(source, [seed]);
      await toCents(source);
      const target = await make(await other.freshUrl(), schema);
      await copyDatabase(source, target);
      expect((await runSeeds(target, [seed])).passedOver).to.deep.equal(['first']);
      await toCents(target);
      expect(await target.query('select * from prices')).to.deep.equal([{ id: 1, amount: 500 }]);
    });
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { copyDatabase, verifyCopy } from '../../../src/core/copy/index.ts';
import { DatabaseProviderFactory } from '../../../src/core/index.ts';
import { migrateToLatest } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { isSoak } from '../../support/engines.ts';
import { contentOf } from './content-of.ts';
import { fillRandom, migrationsOf, randomTables } from './random-schema.ts';

describeOnDatabase('sqlite-file', 'any schema', (sqlite) => {
  describeOnDatabase('postgres', 'on its way over', (postgres) => {
    it('comes back with the rows that it had', async function () {
      this.timeout(600_000);
      await fc.assert(
        fc.asyncProperty(randomTables, async (tables) => {
          const sets = [migrationsOf(tables)];
          const urls = [await sqlite.freshUrl(), await postgres.freshUrl(), await sqlite.freshUrl()];
          await using first = DatabaseProviderFactory.createProvider<never>(urls[0]!);
          await using over = DatabaseProviderFactory.createProvider<never>(urls[1]!);
          await using back = DatabaseProviderFactory.createProvider<never>(urls[2]!);
          await migrateToLatest(first, sets);
          const count = await fillRandom(first, tables);
          for (const [from, to] of [
            [first, over],
            [over, back],
          ] as const) {
            const report = await copyDatabase(from, to, { migrate: () => migrateToLatest(to, sets) });
            expect(report.rows).to.equal(count);
          }
          expect(await contentOf(over)).to.deep.equal(await contentOf(first));
          expect(await contentOf(back)).to.deep.equal(await contentOf(first));
          expect((await verifyCopy(first, back)).isEqual).to.equal(true);
          await Promise.all([sqlite.cleanup(), postgres.cleanup()]);
        }),
        { numRuns: isSoak ? 200 : 6 },
      );
    });
  });
});

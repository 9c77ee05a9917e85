import { expect } from 'chai';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { until } from '../../support/until.ts';
import {
  changesBetween,
  fillFamily,
  missingTags,
  openFamily,
  pictureOf,
  type FamilyProvider,
} from './family-tables.ts';
import { everyTag, RecordingWatcher } from './recording-watcher.ts';
import { randomWrite } from './random-writes.ts';
import { waysToWrite } from './ways-to-write.ts';

const seed = pickSeed();

describeOnEachDatabase(`every change is told before its caller hears (seed ${seed})`, (database) => {
  let provider: FamilyProvider;
  let watcher: Awaited<ReturnType<typeof RecordingWatcher.watch>>;

  before(async () => {
    provider = await openFamily(database);
    watcher = await RecordingWatcher.watch(provider);
  });
  after(() => provider.close());

  for (const [name, way] of Object.entries(waysToWrite)) {
    it(`of what is written ${name}`, async function () {
      this.timeout(300_000);
      const random = seededRandom(seed);
      // When an abort comes, the machine decides.
      const mayChangeNothing = name.includes('aborted');
      const rounds = soakCount(240);
      let changed = 0;
      // By some seeds a statement of each round is refused, and takes the others with it: then there are more rounds.
      const isOver = (round: number) =>
        round >= rounds && (changed > 0 || mayChangeNothing || round >= 100 * rounds);
      for (let round = 0; !isOver(round); round += 1) {
        const statements: string[] = [];
        if (random() < 0.4) await fillFamily(provider);
        const before = await pictureOf(provider);
        watcher.forget();
        const write = () => {
          const query = randomWrite(random, provider);
          statements.push(`${query.sql} ${JSON.stringify(query.parameters)}`);
          return query;
        };
        const failure = await way(provider, write, random).then(
          () => undefined,
          (error: unknown) => error as Error,
        );
        let { moved } = watcher;
        if (mayChangeNothing) {
          // The caller is let go, and what it wrote ends behind its back.
          await until(() => provider.stats().busy === 0);
          await new Promise(setImmediate);
          moved = watcher.moved;
        }
        const after = await pictureOf(provider);
        const changes = changesBetween(before, after);
        if (changes.length > 0) changed += 1;
        if (moved.has(everyTag)) continue;
        for (const change of changes)
          expect(
            missingTags(change, moved),
            `round ${round}: ${statements.join('; ')}\n${String(failure)}\nmoved: ${[...moved].join(' ')}`,
          ).to.deep.equal([]);
      }
      if (!mayChangeNothing) expect(changed, 'rounds that changed something').to.be.above(0);
    });
  }
});

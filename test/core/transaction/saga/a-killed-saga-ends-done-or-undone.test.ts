/** F34: SIGKILL before and behind each durable write and each effect of a saga, on its way forward and back. */
import { expect } from 'chai';
import { SagaRecords, SagaRunner } from '../../../../src/core/index.ts';
import { startProgram } from '../../../support/child-program.ts';
import { describeOnDatabase, type TestDatabase } from '../../../support/database.ts';
import { isSoak, soakCount } from '../../../support/engines.ts';
import { pickSeed, seededRandom } from '../../../support/seeded-random.ts';
import { until } from '../../../support/until.ts';
import { effectsOf, migrateSagas, openSagaDatabase, shortLease } from './saga-harness.ts';
import { expectedEffects, sagaOfFive } from './saga-of-five.ts';
import type { SagaProgramPlan } from './saga-program.ts';

const program = new URL('./saga-program.ts', import.meta.url);
/** On each engine, half of them on the way forward and half on the way back. */
const kills = soakCount(200) / 2;
const atOnce = 4;

interface Kill {
  readonly fails: boolean;
  readonly killAt: number;
}

/** Points spread over the whole saga, at places that differ from run to run. */
function choosePoints(fails: boolean, points: number, random: () => number): Kill[] {
  const count = Math.ceil(kills / 2);
  return Array.from({ length: count }, (_, index) => ({
    fails,
    killAt: 1 + (Math.floor(((index + random()) * points) / count) % points),
  }));
}

function declare(title: string, body: (database: TestDatabase) => void): void {
  describeOnDatabase('sqlite-file', title, body);
  describeOnDatabase('postgres', title, body);
}

declare('a saga whose process is killed', (database) => {
  it('ends done or undone by another process, each effect once', async function () {
    this.timeout(1_800_000);
    const seed = pickSeed();
    const random = seededRandom(seed);
    const url = await database.freshUrl();
    await using provider = openSagaDatabase(url);
    await migrateSagas(provider);
    const records = new SagaRecords(provider);
    const saga = sagaOfFive(provider);
    await using runner = new SagaRunner(provider, { sagas: [saga], leaseDuration: shortLease });

    const run = (plan: Omit<SagaProgramPlan, 'url' | 'leaseDuration'>) =>
      startProgram(program, [JSON.stringify({ ...plan, url, leaseDuration: shortLease })]);
    const countPoints = async (fails: boolean) => {
      const { ended, lines } = run({ id: crypto.randomUUID(), fails });
      const { stderr } = await ended;
      expect(lines[0], stderr).to.equal(fails ? 'SagaFailedError' : 'completed');
      return Number(lines[1]);
    };
    const points = await Promise.all([countPoints(false), countPoints(true)]);
    expect(points).to.deep.equal([34, 64]);

    runner.start();
    const times: number[] = [];
    let repeated = 0;
    let unknown = 0;
    let robbed = 0;
    const kill = async ({ fails, killAt }: Kill) => {
      const label = `killed at ${killAt} of ${points[Number(fails)]}, fails: ${fails}, seed ${seed}`;
      const id = crypto.randomUUID();
      const child = run({ id, fails, killAt });
      const { signal, stderr } = await child.ended;
      if (signal !== 'SIGKILL') {
        // On a machine without time for it, it may be paused past its lease first; its saga must end as well.
        expect(child.lines[0], `${label}: ${stderr}`).to.equal('LeaseLostError');
        robbed += 1;
      }
      const start = performance.now();
      const { status } = (await records.list({ limit: 1_000 })).find((each) => each.id === id) ?? {};
      if (status === undefined) {
        // Before the first write nothing is promised, and nothing may have happened.
        unknown += 1;
        expect(await effectsOf(provider, id), label).to.deep.equal([]);
        return;
      }
      await until(async () => (await records.show(id)).finishedAt !== undefined, 30_000);
      times.push(performance.now() - start);
      expect((await records.show(id)).status, label).to.equal(fails ? 'compensated' : 'completed');
      expect(await effectsOf(provider, id), label).to.deep.equal(expectedEffects(fails));
      const again = await provider.db
        .selectFrom('effects')
        .selectAll()
        .where('key', 'like', `${id}:%`)
        .where('calls', '>', 1)
        .execute();
      // Steps that were done are not run again: at most the one under way was.
      expect(again.length, label).to.be.at.most(1);
      repeated += again.length;
    };
    const chosen = [...choosePoints(false, points[0], random), ...choosePoints(true, points[1], random)];
    const queue = chosen.values();
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (const each of queue) await kill(each);
      }),
    );
    times.sort((a, b) => a - b);
    const median = times[Math.floor(times.length / 2)] ?? 0;
    const slowest = times.at(-1) ?? 0;
    console.log(
      `  ${chosen.length} kills: every saga ended, ${repeated} steps ran again by their key, ${unknown} were not stored yet, ${robbed} were paused past their lease before; at rest after ${median.toFixed(0)} ms at the median, ${slowest.toFixed(0)} ms at most, with a lease of ${shortLease} ms`,
    );
    expect(robbed, 'not all of them').to.be.below(chosen.length);
    // A machine that has no time for the watcher makes them slow.
    if (isSoak) {
      expect(robbed).to.be.below(chosen.length / 4);
      expect(slowest).to.be.below(shortLease + 1_000);
    }
  });
});

import { expect } from 'chai';
import { sql } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import { isLiminalDataError, type DatabaseProvider } from '../../../src/core/index.ts';
import { Outbox } from '../../../src/core/outbox/index.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { startProgram, type ChildProgram } from '../../support/child-program.ts';
import { describeOnDatabase, type TestDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { until } from '../../support/until.ts';
import { countRows, openOutboxDatabase, type TestTopics } from './outbox-fixture.ts';
import type { RelayingPlan } from './relaying-program.ts';

const program = new URL('relaying-program.ts', import.meta.url);
/** Half of them on each engine. */
const kills = soakCount(200) / 2;
const concurrency = 4;
const longestBacklog = 300;
const keys = ['a', 'b', 'c', 'd', 'e', 'f'];

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'relays that are killed', (database) => {
    it('lose no message, change no order, and deliver twice only what they had in their hands', async function () {
      this.timeout(1_800_000);
      const seed = pickSeed();
      const { published, deliveries, effects, robbed, deaths, seconds } = await killRelays(
        database,
        seededRandom(seed),
      );
      const label = `seed ${seed}`;
      expect(effects.map(({ message_id: id }) => id).toSorted(), label).to.deep.equal(published.toSorted());
      expect(findDisorderOfEffects(effects), label).to.deep.equal([]);
      const duplicates = deliveries.length - new Set(deliveries).size;
      // On a busy machine a relay may be silent for longer than its lease, and says so when it hears of it.
      expect(duplicates, label).to.be.at.most(concurrency * deaths + robbed);
      console.log(
        `  ${kills} kills in ${seconds.toFixed(0)} s, ${published.length} messages, 0 lost, 0 out of order, ${duplicates} delivered again (${robbed} robbed or failed), 0 effects twice`,
      );
    });
  });
}

interface Effect {
  readonly message_id: string;
  readonly key: string | null;
  readonly n: number;
}

/** The effects in the order in which they were written. */
function findDisorderOfEffects(effects: readonly Effect[]): string[] {
  const last = new Map<string, number>();
  return effects.flatMap(({ key, n }) => {
    if (key === null) return [];
    const before = last.get(key) ?? -1;
    last.set(key, n);
    return n === before + 1 ? [] : [`${key}: ${n} behind ${before}`];
  });
}

/** Publishes without a pause, while 1 to 4 relays are killed and started again. */
async function killRelays(database: TestDatabase, random: () => number) {
  const start = performance.now();
  const url = await database.freshUrl();
  await using provider = await openOutboxDatabase(url);
  await createEffects(provider, database.name === 'postgres');
  const published: string[] = [];
  let isPublishing = true;
  const publishing = Promise.all(keys.map((key) => publish(provider, key, published, () => isPublishing)));
  const plan: RelayingPlan = { url, concurrency, leaseDuration: 500 };
  const startRelay = (suicideOdds?: number) =>
    startProgram(program, [JSON.stringify(suicideOdds === undefined ? plan : { ...plan, suicideOdds })]);
  const relays: ChildProgram[] = [];
  const ended: ChildProgram[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    // Each second one kills itself in the middle of a delivery; the others are killed wherever they are.
    while (relays.length <= kill % 4) relays.push(startRelay(kill % 2 === 0 ? undefined : 10));
    const victim = relays.splice(Math.floor(random() * relays.length), 1)[0]!;
    await Promise.race([victim.line(3), victim.ended]);
    await wait(random() * 40);
    victim.kill('SIGKILL');
    await victim.ended;
    ended.push(victim);
  }
  isPublishing = false;
  await publishing;
  relays.push(startRelay());
  await until(async () => (await countRows(provider, 'outbox_messages')) === 0, 60_000);
  for (const relay of relays) relay.kill('SIGKILL');
  for (const relay of relays) await relay.ended;
  const all = [...ended, ...relays];
  const lines = all.flatMap((relay) => relay.lines);
  const deliveries = lines.filter((line) => line !== 'failed' && line !== 'lost');
  expect(await countRows(provider, 'outbox_dead_letters')).to.equal(0);
  const { rows: effects } = await sql<Effect>`select message_id, key, n from effects order by place`.execute(
    provider.db,
  );
  const robbed = lines.length - deliveries.length;
  return {
    published,
    deliveries,
    effects,
    robbed,
    deaths: all.length,
    seconds: (performance.now() - start) / 1_000,
  };
}

async function createEffects(provider: DatabaseProvider<OutboxTables>, isPostgres: boolean): Promise<void> {
  const place = isPostgres ? 'bigint generated always as identity primary key' : 'integer primary key';
  await sql`create table effects (place ${sql.raw(place)}, message_id text, key text, n integer)`.execute(
    provider.db,
  );
}

/** One publisher of a key, and of messages without one; some of its transactions are rolled back. */
async function publish(
  provider: DatabaseProvider<OutboxTables>,
  key: string,
  published: string[],
  goesOn: () => boolean,
): Promise<void> {
  const outbox = new Outbox<TestTopics>(provider);
  for (let n = 0; goesOn();) {
    try {
      const ids = await provider.transaction(async (tx) => {
        const keyed = await outbox.publish(tx, { topic: 'work', key, payload: { n } });
        const keyless = await outbox.publish(tx, { topic: 'work', payload: { n } });
        if (Math.random() < 0.2) throw new RangeError('rolled back');
        return [keyed, keyless];
      });
      published.push(...ids);
      n += 1;
    } catch (error) {
      if (!(error instanceof RangeError) && !isLiminalDataError(error)) throw error;
    }
    await wait(20);
    // However slow the machine is, what is left at the end shall be delivered within the test's patience.
    while (goesOn() && (await countRows(provider, 'outbox_messages')) > longestBacklog) await wait(50);
  }
}

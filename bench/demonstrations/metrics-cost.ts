/**
 * `npm run bench:metrics-cost`: what it costs to hear statements, on the dearest place for it: a prepared read of one
 * row of SQLite by its key. Rounds of all ways to listen lie side by side in one run, in a changing order, on databases of
 * their own with the same rows; time is that of the processor.
 *
 * Its base is the library as it is where nobody listens, the event loop watched as by default; what all of this costs against a
 * library without it, it does not tell.
 *
 * Options: `--rounds 61`, `--reads 4000` (a round), `--check` (a missed target is exit code 1).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DatabaseProviderFactory, prepare, type DatabaseProvider, type Param } from '../../src/core/index.ts';
import { createQueryMetrics, createTelemetry } from '../../src/core/metrics/index.ts';
import { spreadOf } from '../harness/statistics.ts';

interface Tables {
  messages: { id: number; text: string; author: string; sent_at: number };
}

/** A way to listen, and what it may take at most of the time without any. */
interface Way {
  readonly title: string;
  readonly slowQueryThreshold: number;
  readonly listens: 'nobody' | 'metrics' | 'onStatement' | 'telemetry';
  readonly target?: number;
}

/** Costs what any threshold does, and prints no line between the figures. */
const unreached = 86_400_000;

const ways: readonly Way[] = [
  { title: 'nobody listens', slowQueryThreshold: 0, listens: 'nobody' },
  { title: 'nobody listens, again', slowQueryThreshold: 0, listens: 'nobody' },
  { title: 'the slow query log, as by default', slowQueryThreshold: unreached, listens: 'nobody' },
  { title: 'metrics', slowQueryThreshold: 0, listens: 'metrics', target: 1.05 },
  { title: 'metrics and the slow query log', slowQueryThreshold: unreached, listens: 'metrics' },
  { title: 'onStatement that does nothing', slowQueryThreshold: 0, listens: 'onStatement' },
  { title: 'OpenTelemetry without an SDK', slowQueryThreshold: 0, listens: 'telemetry' },
];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '61' },
    reads: { type: 'string', default: '4000' },
    check: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const reads = Number(values.reads);
const rows = 10_000;
const folder = mkdtempSync(join(tmpdir(), 'liminal-metrics-cost-'));

/** A provider, and a loop over reads that gives its time of the processor in µs a read. */
interface Contender {
  readonly way: Way;
  readonly provider: DatabaseProvider<Tables>;
  readonly run: () => Promise<number>;
  readonly times: number[];
}

async function open(way: Way, place: number): Promise<Contender> {
  const { slowQueryThreshold, listens } = way;
  const provider = DatabaseProviderFactory.createProvider<Tables>(
    { type: 'sqlite', connection: { filename: join(folder, `${place}.db`) }, slowQueryThreshold },
    {
      ...(listens === 'metrics' && { metrics: createQueryMetrics() }),
      ...(listens === 'onStatement' && { onStatement: () => {} }),
      ...(listens === 'telemetry' && { telemetry: await createTelemetry() }),
    },
  );
  await provider.exec(
    'create table messages (id integer primary key, text text, author text, sent_at integer)',
  );
  await provider.exec(
    `insert into messages with recursive n (i) as (select 1 union all select i + 1 from n where i < ${rows})
     select i, 'a message of some length, number ' || i, 'author ' || (i % 100), i * 1000 from n`,
  );
  const byId = prepare(provider, (db, param: Param<{ id: number }>) =>
    db.selectFrom('messages').selectAll().where('id', '=', param('id')),
  );
  let next = 0;
  const run = async () => {
    const start = process.cpuUsage();
    for (let count = 0; count < reads; count += 1) {
      next = (next * 31 + 7) % rows;
      const row = await byId.first({ id: next + 1 });
      if (row?.id !== next + 1) throw new Error('The read returned another row.');
    }
    const { user, system } = process.cpuUsage(start);
    return (user + system) / reads;
  };
  return { way, provider, run, times: [] };
}

let isMissed = false;
try {
  const contenders: Contender[] = [];
  for (const [place, way] of ways.entries()) contenders.push(await open(way, place));
  for (let warmUp = 0; warmUp < 5; warmUp += 1) for (const { run } of contenders) await run();
  for (let round = 0; round < rounds; round += 1) {
    const order = contenders.map((_, index) => contenders[(index + round) % contenders.length]!);
    for (const { run, times } of round % 2 === 0 ? order : order.reverse()) times.push(await run());
  }
  const base = contenders[0]!;
  for (const { way, times } of contenders) {
    const { median } = spreadOf(times);
    const ratio = spreadOf(times.map((time, round) => time / base.times[round]!));
    const isOver = way.target !== undefined && ratio.median > way.target;
    isMissed ||= isOver;
    const target =
      way.target === undefined ? '' : `, at most ${way.target.toFixed(2)}: ${isOver ? 'missed' : 'held'}`;
    console.log(
      `${way.title}: ${median.toFixed(2)} µs a read, ${ratio.median.toFixed(3)} times (${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)})${target}`,
    );
  }
  for (const { provider } of contenders) await provider.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (isMissed && values.check) process.exitCode = 1;

import type { ContenderName } from '../contender-list.ts';
import type { Measured, Measurement, TaskResult } from '../harness/measure-pairs.ts';
import type { Spread } from '../harness/statistics.ts';
import type { EngineReport, SuiteReport } from './report.ts';

/** What the library promises, and what was measured. */
export interface Verdict {
  readonly title: string;
  readonly contender: string;
  readonly limit: string;
  readonly measured: string;
  readonly result: 'met' | 'within noise' | 'missed';
}

/** A limit for the ratio of a task. */
interface RatioTarget {
  readonly task: string;
  readonly contender: ContenderName;
  readonly limit: number;
  readonly of?: 'p99';
  readonly durability?: 'full';
}

const prepared = 'liminal-prepared';

const ratioTargets: Readonly<Record<EngineReport['engine'], readonly RatioTarget[]>> = {
  sqlite: [
    { task: 'key', contender: prepared, limit: 1.15 },
    { task: 'key-burst', contender: prepared, limit: 0.7 },
    { task: 'thread', contender: prepared, limit: 1.05 },
    { task: 'page', contender: prepared, limit: 1.05 },
    { task: 'filter', contender: prepared, limit: 1.05 },
    { task: 'insert', contender: prepared, limit: 1.1 },
    { task: 'transaction', contender: prepared, limit: 1.1 },
    { task: 'version', contender: prepared, limit: 1.1 },
    { task: 'bulk', contender: prepared, limit: 1.1 },
    { task: 'writes', contender: prepared, limit: 0.6 },
    { task: 'writes', contender: prepared, limit: 0.15, durability: 'full' },
    { task: 'mixed', contender: prepared, limit: 1 },
    { task: 'mixed', contender: prepared, limit: 0.5, of: 'p99' },
    { task: 'key', contender: 'liminal-kysely', limit: 4 },
  ],
  postgres: [
    { task: 'key', contender: prepared, limit: 1.05 },
    { task: 'key-burst', contender: prepared, limit: 0.5 },
    { task: 'thread', contender: prepared, limit: 1.1 },
    { task: 'page', contender: prepared, limit: 1.1 },
    { task: 'filter', contender: prepared, limit: 1.1 },
    { task: 'insert', contender: prepared, limit: 1.1 },
    { task: 'transaction', contender: prepared, limit: 1.1 },
    { task: 'version', contender: prepared, limit: 1.1 },
    { task: 'batch', contender: prepared, limit: 0.6 },
    { task: 'bulk', contender: prepared, limit: 1 },
    { task: 'writes', contender: prepared, limit: 0.4 },
    { task: 'mixed', contender: prepared, limit: 0.65 },
    { task: 'key', contender: 'liminal-kysely', limit: 1.3 },
  ],
};

/** More than Kysely's own, in ms. */
const coldStartLimit = 20;
const memoryLimit = 150 * 2 ** 20;

/** Holds an engine's figures against what is promised; what was not measured has no verdict. */
export function judge(report: EngineReport): Verdict[] {
  return [
    ...ratioTargets[report.engine].flatMap((target) => judgeRatio(target, report)),
    ...judgeColdStart(report),
    ...judgeMemory(report),
  ];
}

function judgeRatio(target: RatioTarget, { suites }: EngineReport): Verdict[] {
  const { task, contender, limit, of, durability } = target;
  const wanted = suites.find(
    (suite: SuiteReport) => (suite.durability === 'full') === (durability === 'full'),
  );
  const result = wanted?.tasks.find((candidate) => candidate.task === task);
  const measured = find(result, contender, of);
  if (result === undefined || measured === undefined) return [];
  const kind = of === 'p99' ? ', p99 of the reads' : '';
  const noise = find(result, 'noise', of)?.high ?? 1;
  return [
    {
      title: `${result.title}${durability === undefined ? '' : ', FULL'}${kind}`,
      contender,
      limit: `≤ ${limit}`,
      measured: formatSpread(measured),
      result: judgeNumber(measured.median, limit, limit * Math.max(1, noise)),
    },
  ];
}

function find(
  result: TaskResult | undefined,
  contender: Measured,
  of: 'p99' | undefined,
): Spread | undefined {
  const measurement: Measurement | undefined = result?.measurements.find(
    (candidate) => candidate.contender === contender,
  );
  return of === 'p99' ? measurement?.p99 : measurement?.ratio;
}

function judgeColdStart({ coldStart }: EngineReport): Verdict[] {
  const kysely = coldStart.find(({ contender }) => contender === 'kysely');
  const ours = coldStart.find(({ contender }) => contender === prepared);
  if (kysely === undefined || ours === undefined) return [];
  const more = ours.time.median - kysely.time.median;
  const noise = kysely.time.high - kysely.time.median;
  return [
    {
      title: "cold start, beyond Kysely's own",
      contender: prepared,
      limit: `≤ ${coldStartLimit} ms`,
      measured: `${more.toFixed(1)} ms`,
      result: judgeNumber(more, coldStartLimit, coldStartLimit + noise),
    },
  ];
}

function judgeMemory({ engine, memory }: EngineReport): Verdict[] {
  const ours = memory.find(({ contender }) => contender === prepared);
  if (engine !== 'sqlite' || ours === undefined) return [];
  return [
    {
      title: 'resident memory after the workload',
      contender: prepared,
      limit: '≤ 150 MiB',
      measured: `${(ours.bytes / 2 ** 20).toFixed(0)} MiB`,
      result: judgeNumber(ours.bytes, memoryLimit, memoryLimit),
    },
  ];
}

/** @param forgiving the limit where the raw driver beside itself came out that much slower */
function judgeNumber(measured: number, limit: number, forgiving: number): Verdict['result'] {
  if (measured <= limit) return 'met';
  return measured <= forgiving ? 'within noise' : 'missed';
}

/** The median, and between which values the middle half lies. */
export function formatSpread({ median, low, high }: Spread): string {
  return `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

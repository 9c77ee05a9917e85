import { contenderNames, contenderTitles } from '../contender-list.ts';
import type { Measured, TaskResult } from '../harness/measure-pairs.ts';
import type { EngineReport, Report, SuiteReport } from './report.ts';
import { toTable } from './table.ts';
import { formatSpread, judge } from './targets.ts';

const columns: readonly Measured[] = ['noise', ...contenderNames.slice(1)];
const engineTitles = { sqlite: 'SQLite', postgres: 'Postgres' } as const;

/** The report as Markdown: a table for each suite, memory and cold start, and the targets at the end. */
export function toMarkdown({ date, surroundings, engines }: Report): string {
  return [
    describeRun(date, surroundings),
    'Time of a call against the raw driver (1.00 = raw, lower is better): median (middle half) of pairs.',
    ...engines.flatMap((engine) => [
      ...engine.suites.map((suite) => toSuiteTable(engine, suite)),
      toProcessTable(engine),
    ]),
    ...engines.flatMap((engine) => toTargetTable(engine)),
  ].join('\n\n');
}

/** When and where it was measured. */
export function describeRun(date: string, surroundings: Report['surroundings']): string {
  const facts = Object.entries(surroundings).map(([name, value]) => `${name} ${value}`);
  return `${date.slice(0, 10)}: ${facts.join(', ')}.`;
}

function toSuiteTable({ engine, description }: EngineReport, { durability, tasks }: SuiteReport): string {
  const names = columns.filter((name) =>
    tasks.some(({ measurements }) => measurements.some(({ contender }) => contender === name)),
  );
  const told = durability === 'as the server' ? '' : `, durability ${durability}`;
  const head = [`${engineTitles[engine]}${told}`, 'raw', ...names.map(titleOf)];
  return `${engineTitles[engine]}: ${description}.\n\n${toTable(
    head,
    tasks.flatMap((task) => toRows(task, names)),
  )}`;
}

function toRows({ title, raw, measurements }: TaskResult, names: readonly Measured[]): string[][] {
  const row = (label: string, first: string, of: 'ratio' | 'p99') => [
    label,
    first,
    ...names.map((name) => {
      const spread = measurements.find(({ contender }) => contender === name)?.[of];
      return spread === undefined ? '' : formatSpread(spread);
    }),
  ];
  const rows = [row(title, formatTime(raw.median), 'ratio')];
  if (measurements.some(({ p99 }) => p99 !== undefined)) rows.push(row('… p99 of the reads', '', 'p99'));
  return rows;
}

function toProcessTable({ engine, memory, coldStart }: EngineReport): string {
  const rows = [
    ...memory.map(({ contender, bytes }) => [
      'resident memory after the workload',
      titleOf(contender),
      `${(bytes / 2 ** 20).toFixed(0)} MiB`,
    ]),
    ...coldStart.map(({ contender, time }) => [
      'cold start, import to first row',
      titleOf(contender),
      `${formatSpread(time)} ms`,
    ]),
  ];
  return toTable([engineTitles[engine], 'who', 'measured'], rows);
}

function toTargetTable(report: EngineReport): string {
  const rows = judge(report).map(({ title, contender, limit, measured, result }) => [
    title,
    contender,
    limit,
    measured,
    result,
  ]);
  return toTable([`Targets, ${engineTitles[report.engine]}`, 'who', 'limit', 'measured', 'verdict'], rows);
}

function titleOf(name: Measured): string {
  return name === 'noise' ? 'raw again' : contenderTitles[name];
}

function formatTime(microseconds: number): string {
  return microseconds < 10 ? `${microseconds.toFixed(1)} µs` : `${microseconds.toFixed(0)} µs`;
}

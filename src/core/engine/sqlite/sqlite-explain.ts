import type { ExplainedStatement, PlanFacts, PlanSort, TableScan } from '../plan-facts.ts';
import { sourcesOf } from '../statement-sources.ts';
import { endSharedReads } from './shared-read.ts';
import { translateSqliteError } from './sqlite-errors.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';
import { findBareForeignKeys, keyColumnsQuery } from './bare-foreign-keys.ts';
import { writeName } from './sqlite-schema-tokens.ts';
import { sqliteStatements } from './sqlite-statements.ts';
import { kindOf } from './statement-kind.ts';

interface PlanRow {
  readonly detail: string;
}

/**
 * Asks SQLite how it would run a read, on a reader that nobody has. It waits for none: whoever holds the others may wait
 * for the answer.
 *
 * @returns undefined where no reader is free, or the statement is no single read
 */
export async function explainSqlite(
  lanes: SqliteLanes,
  readers: number,
  statement: ExplainedStatement,
): Promise<PlanFacts | undefined> {
  const [tokens, ...others] = sqliteStatements(statement.sql);
  if (tokens === undefined || others.length > 0 || kindOf(statement.sql) !== 'read') return undefined;
  const lane = lanes.readers;
  if (lane.stats().held >= (lanes.hasReaders ? readers : 1)) return undefined;
  const connection = await lane.takeBriefly();
  endSharedReads();
  try {
    return await lanes.steps.run(() => readPlan(connection.database, statement, sourcesOf(tokens)));
  } catch (error) {
    throw translateSqliteError(error);
  } finally {
    lanes.giveBackReader(connection);
  }
}

function readPlan(
  database: SqliteDatabase,
  { sql, parameterCount, countUpTo }: ExplainedStatement,
  sources: ReadonlyMap<string, string>,
): PlanFacts | undefined {
  const nulls = Array.from({ length: parameterCount }, () => null);
  const plan = database.read<PlanRow>(`explain query plan ${sql}`, nulls);
  if (plan === undefined) return undefined;
  const steps = plan.rows.map(({ detail }) => detail);
  const scanned = new Map<string, string>();
  const sorts: PlanSort[] = [];
  for (const step of steps) {
    const alias = scannedBy(step);
    const table = alias === undefined ? undefined : sources.get(alias.toLowerCase());
    if (alias !== undefined && table !== undefined) scanned.set(alias.toLowerCase(), table);
    const purpose = sortPattern.exec(step)?.[1]?.toLowerCase() as PlanSort['purpose'] | undefined;
    if (purpose !== undefined) sorts.push({ purpose, rows: undefined });
  }
  const bare = scanned.size === 0 ? [] : findBareForeignKeys(rowsOf(database, keyColumnsQuery, []));
  const scans = [...scanned].map(([alias, table]): TableScan => ({
    table,
    alias,
    rows: countRows(database, table, countUpTo),
    foreignKeys: bare
      .filter(({ owner }) => owner.toLowerCase() === table.toLowerCase())
      .map(({ columns }) => columns),
  }));
  return { steps, scans, sorts };
}

/** One that builds an index for itself, each time that it runs, reads the whole table for that. */
const automatic = ' USING AUTOMATIC ';
const sortPattern = /^USE TEMP B-TREE FOR (?:[A-Z0-9 ]* OF )?(ORDER BY|GROUP BY|DISTINCT)/u;

function scannedBy(step: string): string | undefined {
  if (step.startsWith('SEARCH ') && step.includes(automatic))
    return step.slice('SEARCH '.length, step.indexOf(automatic));
  if (!step.startsWith('SCAN ') || step.includes(' VIRTUAL TABLE ')) return undefined;
  const end = step.indexOf(' USING ');
  return step.slice('SCAN '.length, end < 0 ? undefined : end);
}

function countRows(database: SqliteDatabase, table: string, countUpTo: number): number {
  const hasStatistics = rowsOf(database, "select 1 from sqlite_schema where name = 'sqlite_stat1'", []);
  if (hasStatistics.length > 0) {
    const [known] = rowsOf<{ stat: string | null }>(
      database,
      'select stat from sqlite_stat1 where tbl = ? collate nocase and stat is not null limit 1',
      [table],
    );
    const rows = Number.parseInt(known?.stat ?? '', 10);
    if (!Number.isNaN(rows)) return rows;
  }
  const counting = `select count(*) as count from (select 1 from ${writeName(table)} limit ${countUpTo})`;
  return rowsOf<{ count: number }>(database, counting, [])[0]?.count ?? 0;
}

function rowsOf<Row>(database: SqliteDatabase, sql: string, parameters: readonly unknown[]): readonly Row[] {
  return database.read<Row>(sql, parameters)?.rows ?? [];
}

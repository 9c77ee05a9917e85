import type { PlanFacts, TableScan } from '../engine/plan-facts.ts';
import type { SqlToken } from '../engine/sql-tokens.ts';
import { sourcesOf } from '../engine/statement-sources.ts';
import { accessColumnsOf, type AccessColumns } from './access-columns.ts';

/** What is dangerous in the plan of a statement, as it takes the longer the more rows there are. */
export interface PlanDanger {
  /**
   * `full-scan`: a large table is read from end to end. `missing-foreign-key-index`: so it is, to find rows by a foreign
   * key that no index begins with. `sort`: rows are sorted before the first comes back.
   */
  readonly code: 'full-scan' | 'missing-foreign-key-index' | 'sort';
  /** What happens, in a sentence. */
  readonly message: string;
  /** The table; undefined where it cannot be told. */
  readonly table?: string;
  /** The statement that makes an index which would help; undefined where it cannot be told. */
  readonly index?: string;
}

/**
 * Names the dangers of a plan.
 *
 * @param facts what the engine says of the statement
 * @param tokens of the statement
 * @param largeTable from how many rows on a table, or a sort, is large
 */
export function findPlanDangers(
  facts: PlanFacts,
  tokens: readonly SqlToken[],
  largeTable: number,
): readonly PlanDanger[] {
  const scans = facts.scans.filter(({ rows }) => rows >= largeTable);
  const dangers = scans.map((scan) => dangerOfScan(scan, accessColumnsOf(tokens, scan.alias), largeTable));
  const sort = facts.sorts.find(({ rows = largeTable }) => rows >= largeTable);
  if (sort === undefined) return dangers;
  const [only, ...others] = sourcesOf(tokens);
  const source = others.length === 0 ? only : undefined;
  const index = source && indexFor(source[1], accessColumnsOf(tokens, source[0]), []);
  return [
    ...dangers,
    {
      code: 'sort',
      message: `All rows that are found are sorted for ${sort.purpose.toUpperCase()}, since no index gives them in this order.`,
      ...(source && { table: source[1] }),
      ...(index !== undefined && { index }),
    },
  ];
}

function dangerOfScan(
  { table, rows, foreignKeys }: TableScan,
  access: AccessColumns,
  largeTable: number,
): PlanDanger {
  const size = rows > largeTable ? `about ${rows}` : `at least ${largeTable}`;
  const bare = foreignKeys.find((columns) => columns.every((column) => access.equal.includes(column)));
  const index = indexFor(table, access, bare ?? []);
  return {
    code: bare === undefined ? 'full-scan' : 'missing-foreign-key-index',
    message:
      bare === undefined
        ? `All of ${nameIn(table)} is read, ${size} rows.`
        : `All of ${nameIn(table)} is read, ${size} rows, to find those of a foreign key (${bare.map(nameIn).join(', ')}) that no index begins with.`,
    table,
    ...(index !== undefined && { index }),
  };
}

/** What is compared for equality first, then a range or else the order: so the rows lie together, and in order. */
function indexFor(table: string, access: AccessColumns, first: readonly string[]): string | undefined {
  const equal = [...first, ...access.equal.filter((column) => !first.includes(column))];
  const behind =
    [access.range.slice(0, 1), access.order, access.group].find((columns) => columns.length > 0) ?? [];
  const columns = [...equal, ...behind.filter((column) => !equal.includes(column))];
  if (columns.length === 0) return undefined;
  const list = columns.map((column) =>
    column.endsWith(' desc') ? `${nameIn(column.slice(0, -' desc'.length))} desc` : nameIn(column),
  );
  return `create index ${nameIn(indexName(table, columns))} on ${nameIn(table)} (${list.join(', ')})`;
}

/** At most as many characters as Postgres keeps of a name. */
function indexName(table: string, columns: readonly string[]): string {
  return [table, ...columns]
    .map((name) => name.toLowerCase().replaceAll(/[^a-z0-9_]/gu, '_'))
    .join('_')
    .slice(0, 63);
}

function nameIn(name: string): string {
  return /^[a-z_][a-z0-9_]*$/u.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

import type { ExplainedStatement, PlanFacts, PlanSort, TableScan } from '../plan-facts.ts';
import { isBareForeignKey } from './bare-foreign-keys.ts';
import type { PostgresPool } from './postgres-pool.ts';
import type { PostgresSession } from './postgres-session.ts';
import { postgresStatements } from './postgres-tokens.ts';

/** A node of EXPLAIN's JSON, as far as it is looked at: what holds conditions, and so values, is not. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Schema?: string;
  readonly Alias?: string;
  readonly 'Index Name'?: string;
  readonly 'Plan Rows'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** The name of the statement on the server while its plan is asked for. */
const name = 'liminal_explain';
/** How long planning may wait for a lock, in ms: nobody waits for a plan. */
const lockLimit = 100;
/** How long a step may take, in ms, such as counting rows: the connection may be the only one. */
const timeLimit = 1_000;
const writes = new Set(['insert', 'update', 'delete', 'merge', 'into']);

/**
 * Asks Postgres how it would run a read, whatever its parameters are, on a connection that lies idle. It waits for none:
 * whoever holds the others may wait for the answer.
 *
 * @returns undefined where no connection lies idle, or the statement is no single read
 */
export async function explainPostgres(
  pool: PostgresPool,
  statement: ExplainedStatement,
): Promise<PlanFacts | undefined> {
  if (!isRead(statement.sql)) return undefined;
  const session = pool.tryAcquire();
  if (session === undefined) return undefined;
  try {
    return await readPlan(session, statement);
  } finally {
    if (!session.isLost && session.transaction !== 'none') await session.rollBack();
    pool.release(session);
  }
}

function isRead(sql: string): boolean {
  const [tokens, ...others] = postgresStatements(sql);
  const first = tokens?.find(({ kind, text }) => kind !== 'sign' || text !== '(');
  if (tokens === undefined || others.length > 0 || first?.kind !== 'word') return false;
  if (!['select', 'with', 'values'].includes(first.text)) return false;
  return !tokens.some(({ kind, text }) => kind === 'word' && writes.has(text));
}

async function readPlan(session: PostgresSession, statement: ExplainedStatement): Promise<PlanFacts> {
  const top = await explain(session, statement);
  const nodes: Visit[] = [];
  visit(top, [], nodes);
  const tables = new Map<string, PlanNode>();
  for (const { node } of nodes) {
    if (node['Node Type'] === 'Seq Scan') tables.set(node.Alias ?? node['Relation Name'] ?? '', node);
  }
  const scans: TableScan[] = [];
  for (const [alias, node] of tables)
    scans.push(await describeScan(session, alias, node, statement.countUpTo));
  await session.run({ text: 'rollback' });
  return { steps: nodes.map(toStep), scans, sorts: nodes.flatMap(toSort) };
}

/** In a transaction that only reads, so that no setting outlives it, and with a plan for any parameters. */
async function explain(session: PostgresSession, statement: ExplainedStatement): Promise<PlanNode> {
  const { sql, parameterCount } = statement;
  await session.run({
    text: `begin read only; set local plan_cache_mode = force_generic_plan; set local lock_timeout = ${lockLimit}; set local statement_timeout = ${timeLimit}`,
  });
  // With values, if none, the server takes a single statement.
  await session.run({ text: `prepare ${name} as ${sql}`, values: [] });
  await session.run({ text: 'savepoint explained' });
  try {
    const nulls = Array.from({ length: parameterCount }, () => 'null').join(', ');
    const { rows } = await session.run({
      text: `explain (analyze off, buffers off, verbose on, format json) execute ${name}${nulls && `(${nulls})`}`,
      values: [],
    });
    const answer = rows[0]?.['QUERY PLAN'];
    const [plan] = (typeof answer === 'string' ? JSON.parse(answer) : answer) as [
      { readonly Plan: PlanNode },
    ];
    return plan.Plan;
  } finally {
    // What is prepared is not undone with its transaction.
    await session.run({ text: `rollback to explained; deallocate ${name}` });
  }
}

interface Visit {
  readonly node: PlanNode;
  /** From the top. */
  readonly parents: readonly PlanNode[];
}

function visit(node: PlanNode, parents: readonly PlanNode[], found: Visit[]): void {
  found.push({ node, parents });
  for (const child of node.Plans ?? []) visit(child, [...parents, node], found);
}

function toStep({ node, parents }: Visit): string {
  const on = node['Relation Name'] === undefined ? '' : ` on ${node['Relation Name']}`;
  const by = node['Index Name'] === undefined ? '' : ` using ${node['Index Name']}`;
  return `${'  '.repeat(parents.length)}${node['Node Type']}${by}${on} (rows=${node['Plan Rows'] ?? 0})`;
}

/** A sort below a join by merging is the join's own way, and no index of an ORDER BY would spare it. */
function toSort({ node, parents }: Visit): PlanSort[] {
  if (node['Node Type'] !== 'Sort' && node['Node Type'] !== 'Incremental Sort') return [];
  const above = parents.map((parent) => parent['Node Type']).findLast((type) => !type.startsWith('Gather'));
  if (above === 'Merge Join' || above === 'WindowAgg') return [];
  const purpose =
    above === 'Unique' ? 'distinct' : above === 'Aggregate' || above === 'Group' ? 'group by' : 'order by';
  return [{ purpose, rows: node.Plans?.[0]?.['Plan Rows'] ?? node['Plan Rows'] }];
}

const tableQuery = `
  select case when c.reltuples >= 0 then c.reltuples::bigint::text end as rows,
    format('%I.%I', n.nspname, c.relname) as name,
    (select json_agg(missing.columns) from (
      select (select json_agg(a.attname order by part.at)
          from unnest(f.conkey) with ordinality as part (attnum, at)
          join pg_attribute a on a.attrelid = f.conrelid and a.attnum = part.attnum) as columns
        from pg_constraint f
        where f.conrelid = c.oid and ${isBareForeignKey}
        order by f.oid
    ) as missing)::text as keys
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = $2`;

async function describeScan(
  session: PostgresSession,
  alias: string,
  node: PlanNode,
  countUpTo: number,
): Promise<TableScan> {
  const table = node['Relation Name'] ?? '';
  const { rows } = await session.run({ text: tableQuery, values: [node.Schema ?? '', table] });
  const row = rows[0] as { rows: string | null; name: string; keys: string | null } | undefined;
  const known = row?.rows ?? undefined;
  return {
    table,
    alias,
    rows: known === undefined ? await countRows(session, row?.name, countUpTo) : Number(known),
    foreignKeys: JSON.parse(row?.keys ?? '[]') as string[][],
  };
}

/** For a table that was never analyzed. */
async function countRows(
  session: PostgresSession,
  table: string | undefined,
  countUpTo: number,
): Promise<number> {
  // A temporary table of another session has no row here.
  if (table === undefined) return 0;
  const text = `select count(*)::integer as count from (select from ${table} limit ${countUpTo}) as first`;
  const { rows } = await session.run({ text, values: [] });
  return Number(rows[0]?.['count'] ?? 0);
}

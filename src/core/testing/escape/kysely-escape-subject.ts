import { createQueryId, expressionBuilder, sql, type QueryExecutorProvider, type RawBuilder } from 'kysely';
import { assertNotProduction } from '../assert-not-production.ts';
import type { ScopeTools, TransactionSource } from '../transaction-source.ts';
import type { EscapeScope, EscapeSubject } from './escape-subject.ts';

/** How the escape check uses a database. */
export interface EscapeSubjectOptions {
  /** The table of the check; made where it is missing, and emptied. `liminal_escape_check` by default. */
  readonly table?: string;
  /** Whether rows are inserted by the root handle while a transaction runs. True by default. */
  readonly usesRoot?: boolean;
  /** Whether rows are inserted in the loop over a stream. True by default. */
  readonly usesStreams?: boolean;
  /** Makes new connections after a history that hung. Without it a check ends there. */
  readonly restart?: () => Promise<TransactionSource>;
}

/** Rows that are always there: one to collide with, several to stream. */
const standingIds = [0, -1, -2, -3];

/**
 * Whatever hands out Kysely handles, as the escape check sees it: a provider, a unit of work, or Kysely alone.
 * It makes one small table, and leaves it there.
 *
 * @param source runs the transactions
 * @param options the table, and whether the root handle is used
 * @returns the subject, for `checkEscape`
 * @throws ConfigurationError with `NODE_ENV=production`
 * @example
 * const report = await checkEscape(kyselyEscapeSubject(provider), { histories: 1_000 });
 */
export function kyselyEscapeSubject(
  source: TransactionSource,
  options: EscapeSubjectOptions = {},
): EscapeSubject {
  assertNotProduction();
  const { table = 'liminal_escape_check', usesRoot = true, usesStreams = true, restart } = options;
  const name = sql.table(table);
  let current = source;
  const run = (statement: RawBuilder<unknown>) => statement.execute(current.db);
  return {
    async reset() {
      await run(sql`create table if not exists ${name} (id integer primary key)`);
      await run(sql`delete from ${name}`);
      for (const id of standingIds) await run(insertStatement(table, id));
    },
    transaction: (work) =>
      current.transaction((tx, tools) => work(scopeOn({ table, usesStreams }, tx, tools))),
    async rows(from) {
      const { rows } = await sql<{ id: number }>`select id from ${name} where id >= ${from}`.execute(
        current.db,
      );
      return rows.map(({ id }) => Number(id));
    },
    ...(usesRoot && {
      insertOutside: async (id: number) => {
        await run(insertStatement(table, id));
      },
    }),
    ...(restart && {
      restart: async () => {
        current = await restart();
      },
    }),
  };
}

function insertStatement(table: string, id: number): RawBuilder<unknown> {
  return sql`insert into ${sql.table(table)} (id) values (${id})`;
}

interface TableUse {
  readonly table: string;
  readonly usesStreams: boolean;
}

function scopeOn(use: TableUse, tx: QueryExecutorProvider, tools: ScopeTools = {}): EscapeScope {
  const { table, usesStreams } = use;
  const { nested, afterCommit, afterRollback } = tools;
  const name = sql.table(table);
  return {
    async insert(id) {
      await insertStatement(table, id).execute(tx);
    },
    async fail() {
      await insertStatement(table, 0).execute(tx);
    },
    async read() {
      await sql`select id from ${name} where id <= 0`.execute(tx);
    },
    ...(usesStreams && { stream: () => streamOf(table, tx) }),
    ...(nested && {
      nested: (work: (scope: EscapeScope) => Promise<void>) =>
        nested((inner, innerTools) => work(scopeOn(use, inner, innerTools))),
    }),
    ...(afterCommit && { afterCommit }),
    ...(afterRollback && { afterRollback }),
  };
}

/** Built, and not a text: Kysely's own SQLite streams nothing that is not known to be a select. */
function streamOf(table: string, tx: QueryExecutorProvider): AsyncIterable<unknown> {
  const queryId = createQueryId();
  const select = expressionBuilder<Record<string, { id: number }>, never>().selectFrom(table);
  const node = select.select('id').where('id', '<=', 0).toOperationNode();
  const executor = tx.getExecutor();
  return executor.stream(executor.compileQuery(executor.transformQuery(node, queryId), queryId), 1);
}

import type { CompiledQuery, Kysely, QueryResult } from 'kysely';
import type { DirectExecutor } from '../engine/direct-executor.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { SharedDefinitions } from './shared-definitions.ts';

/** Where statements run that are compiled already; `DatabaseProvider` fits. */
export interface StatementTarget<DB> {
  /** Compiles the statements, and runs those that cannot go directly. */
  readonly db: Kysely<DB>;
  /** The way past Kysely's executor. Absent where the engine has none, or where plugins must see results. */
  readonly direct?: DirectExecutor | undefined;
  /** What is kept for everybody who works on the same database. Absent where each keeps it alone. */
  readonly shared?: SharedDefinitions | undefined;
}

/** Runs compiled statements, without a detour over Kysely's executor. */
export interface StatementRunner {
  execute<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>>;
}

/**
 * Where a handle, such as that of a transaction, has the straight way of its compiled statements. Not in a WeakMap: an
 * entry for each transaction keeps the garbage collector busy.
 */
export const statementRunner = Symbol('where the statements of the handle run');

/**
 * Runs a compiled statement: directly where it stands for itself, and by a handle's own executor, which
 * knows whether its transaction still runs, where one is given.
 *
 * @param on a transaction or another handle; undefined, or the target's own, means none
 * @param signal ends the wait
 */
export function runStatement<DB, Row>(
  target: StatementTarget<DB>,
  statement: CompiledQuery<Row>,
  on: Kysely<DB> | undefined,
  signal?: AbortSignal,
): Promise<QueryResult<Row>> {
  const { direct, db } = target;
  if (direct !== undefined && (on === undefined || on === db))
    return signal === undefined ? direct.execute(statement) : direct.execute(statement, { signal });
  const handle = on ?? db;
  const bound = handle as { readonly [statementRunner]?: StatementRunner | undefined };
  const runner = signal === undefined ? bound[statementRunner] : undefined;
  return runner?.execute(statement) ?? handle.getExecutor().executeQuery(statement, { signal });
}

/**
 * Checks what a caller says a statement is to run on. Whoever writes JavaScript may hand in the provider itself,
 * which is no handle.
 *
 * @throws ValidationError where it is none
 */
export function requireHandle<DB>(on: Partial<Kysely<DB>> | null | undefined): void {
  if (on === undefined || typeof on?.getExecutor === 'function') return;
  throw new ValidationError([{ path: ['on'], message: 'must be a Kysely handle, such as a transaction' }]);
}

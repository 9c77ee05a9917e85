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

const runners = new WeakMap<object, StatementRunner>();

/** Lets the compiled statements of a handle, such as a transaction, go straight to where they run. */
export function bindHandle<DB>(handle: Kysely<DB>, runner: StatementRunner): void {
  runners.set(handle, runner);
}

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
  const runner = signal === undefined ? runners.get(handle) : undefined;
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

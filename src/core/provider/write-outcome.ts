import {
  CommitOutcomeUnknownError,
  NestedAcquireError,
  PoolClosedError,
  PoolTimeoutError,
} from '../foundation/errors/connection-errors.ts';
import { ConstraintViolationError } from '../foundation/errors/constraint-errors.ts';
import { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import { QueryError } from '../foundation/errors/statement-errors.ts';
import {
  DatabaseBusyError,
  DeadlockError,
  OutsideTransactionError,
  ReadOnlyDatabaseError,
  SerializationFailureError,
  StalePreparedStatementError,
  TransactionAbortedError,
  TransactionClosedError,
} from '../foundation/errors/transaction-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { WriteOutcome } from './write-watch.ts';

/** Errors of statements that were never sent. */
const unsent = [
  OutsideTransactionError,
  NestedAcquireError,
  PoolTimeoutError,
  PoolClosedError,
  ValidationError,
] as const;

/** Errors behind which nothing of a transaction is applied, nor can be any more. */
const undoing = [
  ...unsent,
  ConstraintViolationError,
  QueryError,
  DeadlockError,
  SerializationFailureError,
  StalePreparedStatementError,
  DatabaseBusyError,
  ReadOnlyDatabaseError,
  TransactionAbortedError,
  TransactionClosedError,
] as const;

/**
 * What an error in place of the answer of a batch means for what it wrote. An abort, a time-out or a loss frees the
 * caller alone: what was sent may still be applied.
 */
export function outcomeOfBatch(error: unknown): WriteOutcome {
  return undoing.some((kind) => error instanceof kind) ? 'undone' : 'unknown';
}

/**
 * The same for a statement that stands alone, which may fail and keep a part of what it has done: by `or fail` and `raise(fail)`
 * on SQLite, by a procedure that commits on Postgres.
 */
export function outcomeOfStatement(error: unknown): WriteOutcome {
  if (unsent.some((kind) => error instanceof kind)) return 'undone';
  return outcomeOfBatch(error) === 'undone' ? 'kept' : 'unknown';
}

/** What an error of COMMIT means: a driver says by its class where nobody knows. */
export function outcomeOfCommit(error: unknown): WriteOutcome {
  return error instanceof LiminalDataError && !(error instanceof CommitOutcomeUnknownError)
    ? 'undone'
    : 'unknown';
}

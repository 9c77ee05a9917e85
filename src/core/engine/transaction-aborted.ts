import { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import { TransactionAbortedError } from '../foundation/errors/transaction-errors.ts';

/**
 * The error for what comes behind a statement that failed. It tells the first failure in its message too: whoever
 * swallows that one, as Kysely's Migrator does, must not hide the reason with it.
 *
 * @param failure the first failure of the transaction
 */
export function transactionAborted(failure: unknown): TransactionAbortedError {
  const reason = failure instanceof LiminalDataError ? failure.message : 'see the cause.';
  return new TransactionAbortedError(
    `Something in this transaction failed before, so nothing more of it can run or be kept: ${reason}`,
    { cause: failure },
  );
}

const mark = Symbol.for('kysely.AbortedTransactionError');

/** Marks the error of a COMMIT: by it Kysely knows that nothing is left to roll back, and lets go of the connection. */
export function markRolledBack(error: TransactionAbortedError): TransactionAbortedError {
  return Object.defineProperty(error, mark, { value: true });
}

/** Whether an error is that of a COMMIT that has rolled back. */
export function isRolledBack(error: TransactionAbortedError): boolean {
  return mark in error;
}

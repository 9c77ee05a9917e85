import { TransactionAbortedError } from '../../foundation/errors/transaction-errors.ts';

/** For what comes behind the end of its transaction, where nobody has asked for that end. */
export function lostError(): TransactionAbortedError {
  return new TransactionAbortedError(
    'A statement or COMMIT came, but its transaction is gone: SQLite rolled it back when a statement of it failed, or a statement of it ended it. Let the first error end the transaction.',
  );
}

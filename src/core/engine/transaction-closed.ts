import { TransactionClosedError } from '../foundation/errors/transaction-errors.ts';

/**
 * The error for a query that comes behind the end of its transaction, or from a handle that was kept.
 *
 * @param cause why the transaction has ended, where it is not the end of its work
 */
export function transactionClosed(cause?: unknown): TransactionClosedError {
  return new TransactionClosedError(
    'A query came after its transaction had ended. Await every query inside of the work function, and do not keep its handle.',
    cause === undefined ? {} : { cause },
  );
}

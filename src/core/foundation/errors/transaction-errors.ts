import { LiminalDataError } from './liminal-data-error.ts';

/** Two transactions waited for each other; the database ended this one. */
export class DeadlockError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_DEADLOCK',
    retryable: true,
    when: 'Postgres found transactions that wait for each other and rolled this one back. SQLite has one writer and never deadlocks.',
    remedy: 'Run the whole transaction again; touch rows in one order everywhere.',
  } as const;
}

/** A concurrent transaction makes this one impossible to serialise. */
export class SerializationFailureError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_SERIALIZATION_FAILURE',
    retryable: true,
    when: 'At `repeatable read` or `serializable` a concurrent transaction changed what this one relied on.',
    remedy: 'Run the whole transaction again.',
  } as const;
}

/** A statement that was prepared on the server no longer fits, inside of a transaction. */
export class StalePreparedStatementError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_STALE_PREPARED_STATEMENT',
    retryable: true,
    when: 'In a Postgres transaction a prepared statement turned out to be of no use any more: a table was altered, or the session was reset by somebody else, such as a pooler. The transaction is rolled back. Outside of transactions the statement is prepared anew without a word.',
    remedy: 'Run the whole transaction again; its statements are prepared anew.',
  } as const;
}

/** Somebody else holds a lock for longer than the configured wait. */
export class DatabaseBusyError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_DATABASE_BUSY',
    retryable: true,
    when: 'A lock was not granted within `lockTimeout`: another process writes to the SQLite file, or another transaction holds the row on Postgres.',
    remedy: 'Run the transaction again; look for whoever holds the lock for so long.',
  } as const;
}

/** A statement of the transaction failed before, so that nothing of it can be committed. */
export class TransactionAbortedError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_TRANSACTION_ABORTED',
    retryable: false,
    when: 'A statement follows a failed one in the same transaction, or a transaction is committed in which a statement, or a unit that had joined it, failed. On every engine alike, also where SQLite itself would go on. Nothing of it is kept. `cause` is the first failure.',
    remedy: 'Let the first error end the transaction, or guard the statement with a savepoint.',
  } as const;
}

/** A write was tried where only reads are allowed. */
export class ReadOnlyDatabaseError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_READ_ONLY_DATABASE',
    retryable: false,
    when: 'A read-only transaction writes, or the database file, its folder or the server is read-only.',
    remedy: 'Write in a transaction that is not read-only; check the rights of the file and its folder.',
  } as const;
}

/** The transaction or connection that a handle belonged to has ended. */
export class TransactionClosedError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_TRANSACTION_CLOSED',
    retryable: false,
    when: 'A query is made with a handle whose transaction has been committed or rolled back, or is about to be: a branch of a `Promise.all` whose other branch failed.',
    remedy: 'Await every query inside of the work function, and do not keep its handle.',
  } as const;
}

/** A handle was used that does not belong to the transaction in which the code runs. */
export class OutsideTransactionError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_OUTSIDE_TRANSACTION',
    retryable: false,
    when: 'Inside of a running transaction the root handle of the same database was used, or inside of a nested scope the handle of the scope around it: the statement would not belong to the work around it, and could wait for it for ever. Also for `propagation: "never"` inside of a transaction.',
    remedy:
      'Use the handle, the repositories and the services that the transaction hands out. Where the statement is meant to stand outside, say so: `outside(() => …)`.',
  } as const;
}

/** A transaction did not come to its end in the time that its caller gave it. */
export class TransactionTimeoutError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_TRANSACTION_TIMEOUT',
    retryable: false,
    when: 'The `timeout` of a unit of work or a transaction ran out before its COMMIT was begun, all attempts together. It is rolled back; on Postgres the running statement is cancelled.',
    remedy: 'Give it more time, or do less in it; wait for other systems outside of transactions.',
  } as const;
}

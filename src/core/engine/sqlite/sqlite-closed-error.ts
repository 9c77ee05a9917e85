import { ConnectionError, PoolClosedError } from '../../foundation/errors/connection-errors.ts';

/** What a statement gets whose connection `close` did not wait for. */
export function closedError(): PoolClosedError {
  return new PoolClosedError('A statement was to run after close() had cut its connection off.');
}

/** What a statement gets whose connection was closed because it could not be rolled back, or made clean. */
export function givenUpError(cause: unknown): ConnectionError {
  return new ConnectionError(
    'A transaction could not be ended in order, so its connection was closed: nothing of it is kept. Another connection takes its place.',
    { cause },
  );
}

/** What everybody gets whose database was in memory, and is gone with its only connection. */
export function memoryLostError(cause: unknown): ConnectionError {
  return new ConnectionError(
    'The database was in memory and is lost: a transaction could not be ended in order, so its connection was closed. Make a new provider.',
    { cause, retryable: false },
  );
}

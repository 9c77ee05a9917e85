import { PoolClosedError } from '../../foundation/errors/connection-errors.ts';

/** What a statement gets whose connection `close` did not wait for. */
export function closedError(): PoolClosedError {
  return new PoolClosedError('A statement was to run after close() had cut its connection off.');
}

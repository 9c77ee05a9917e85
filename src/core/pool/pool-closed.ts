import { PoolClosedError } from '../foundation/errors/connection-errors.ts';

/** The error for whoever asks a pool that is being closed, or waits for it. */
export function poolClosed(): PoolClosedError {
  return new PoolClosedError('A connection was asked for after close() had begun.');
}

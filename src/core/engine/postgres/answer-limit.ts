import type { Clock } from '../../foundation/clock.ts';
import { ConnectionError } from '../../foundation/errors/connection-errors.ts';

/**
 * How much longer than `statementTimeout` an answer is waited for, in ms: the server's own cancellation has to
 * come back within it. Nobody waits longer than 50 ms beyond the limit, so it stays below that.
 */
export const answerGrace = 40;

/**
 * Cuts a connection whose answer does not come.
 *
 * @param limit in ms; 0 is none
 * @param cut is called with the reason where the limit comes first
 * @returns what to call when the answer has come
 */
export function giveUpAfter(limit: number, clock: Clock, cut: (reason: ConnectionError) => void): () => void {
  if (limit === 0) return () => {};
  let isWaiting = true;
  const cutWhereSilent = () => {
    if (isWaiting)
      cut(new ConnectionError(`The server gave no answer within ${limit} ms; the connection was cut.`));
  };
  // A loop that was held up reads its timers before its sockets, where the answer may lie.
  const cancel = clock.schedule(limit, () => setImmediate(cutWhereSilent));
  return () => {
    isWaiting = false;
    cancel();
  };
}

import { collectRepeats } from '../metrics/n-plus-one-watch.ts';
import type { NPlusOneOptions } from '../metrics/statement-repeats.ts';

/**
 * Runs work of a test, and fails where the same statement ran in it again and again: where rows are asked for one by one
 * in a loop. It hears every provider with a `slowQueryThreshold` above 0, which is the default, or with any listener.
 *
 * @param work what is tested; all that it starts and waits for counts
 * @param options `limit`, how often a statement may run (10 by default); `ignore`, the ids or texts of fingerprints that
 *   may run as often as they like
 * @returns what the work gives
 * @throws Error with the count, the fingerprint and the call site of each statement that ran too often; or where no
 *   statement was heard at all, as the test would prove nothing
 * @throws what the work throws; ValidationError with every fault of the options
 * @example
 * const threads = await expectNoNPlusOne(() => store.listThreads(user));
 */
export async function expectNoNPlusOne<Result>(
  work: () => Promise<Result>,
  options: NPlusOneOptions = {},
): Promise<Result> {
  const { result, findings, heard } = await collectRepeats(work, options);
  if (heard === 0) {
    throw new Error(
      'No statement was heard, so that nothing can be said of N+1. Run the work against a provider with slowQueryThreshold above 0, or with onStatement, and wait for it.',
    );
  }
  if (findings.length > 0) {
    const lines = findings.map(
      ({ fingerprint, query, count, callSite = 'a place that cannot be told' }) =>
        `  ${count} times: ${query} [${fingerprint}]\n    at ${callSite}`,
    );
    throw new Error(
      `The same query ran again and again (N+1):\n${lines.join('\n')}\nAsk for all of the rows at once, or name the fingerprint in \`ignore\` where the repeats are meant.`,
    );
  }
  return result;
}

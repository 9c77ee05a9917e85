import { AsyncLocalStorage } from 'node:async_hooks';
import { ValidationError } from './errors/validation-error.ts';
import { noteThresholdChange } from './statement-event.ts';

const longest = 86_400_000;
const thresholds = new AsyncLocalStorage<number>();
/** How much work runs under each threshold, so that statements are heard from the lowest of them on. */
const running = new Map<number, number>();
let lowest = Infinity;

/**
 * Sets from how long on the statements of some work are logged as slow, in place of the provider's own
 * `slowQueryThreshold`: for a report that may take its time, or a query that has to be quicker than the others. It holds
 * for every statement of the work, on every path and of every provider, and costs nothing elsewhere. Where a provider has
 * `slowQueryThreshold: 0`, and nobody else listens to its statements, none of them is logged.
 *
 * @param threshold in ms, an integer from 0 (never) to 86,400,000
 * @param work what runs, at once; what it leaves behind when it is over keeps a threshold that is higher than the
 *   provider's. Of a stream that it returns, the threshold holds until its end
 * @returns what the work gives; in place of a stream one with the same rows
 * @throws ValidationError where the threshold is none; and what the work throws
 * @example
 * const totals = await withSlowQueryThreshold(5_000, () => yearlyTotals.execute({ year }));
 */
export function withSlowQueryThreshold<Result>(threshold: number, work: () => Result): Result {
  if (!Number.isInteger(threshold) || threshold < 0 || threshold > longest) {
    throw new ValidationError([
      { path: ['threshold'], message: `must be an integer from 0 to ${longest}, in ms` },
    ]);
  }
  const run = <Part>(part: () => Part): Part =>
    untilSettled(
      () => thresholds.run(threshold, part),
      () => note(threshold, 1),
      () => note(threshold, -1),
    );
  const result = run(work);
  return isStream(result) ? (runStream(result, run) as Result) : result;
}

type Stream = AsyncIterator<unknown, unknown, unknown>;

function isStream(value: unknown): value is Stream {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value;
}

/** A stream does nothing before it is read: each of its steps runs as the work does. */
function runStream(stream: Stream, run: <Part>(part: () => Part) => Part): AsyncIterableIterator<unknown> {
  const end = stream.return?.bind(stream);
  const fail = stream.throw?.bind(stream);
  return {
    next: (...given) => run(() => stream.next(...given)),
    ...(end && { return: (value?: unknown) => run(() => end(value)) }),
    ...(fail && { throw: (error?: unknown) => run(() => fail(error)) }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The threshold of the running work; undefined where that of the provider holds. */
export function ownSlowQueryThreshold(): number | undefined {
  return thresholds.getStore();
}

/** The lowest threshold of all the work under way; infinity where there is none. */
export function lowestSlowQueryThreshold(): number {
  return lowest;
}

function note(threshold: number, change: 1 | -1): void {
  if (threshold === 0) return;
  running.set(threshold, (running.get(threshold) ?? 0) + change);
  if (running.get(threshold) === 0) running.delete(threshold);
  lowest = Math.min(Infinity, ...running.keys());
  noteThresholdChange();
}

function untilSettled<Result>(work: () => Result, begin: () => void, end: () => void): Result {
  begin();
  let result: Result;
  try {
    result = work();
  } catch (error) {
    end();
    throw error;
  }
  // The very promise of the work is handed on, and not one behind it.
  if (result instanceof Promise) result.then(end, end);
  else end();
  return result;
}

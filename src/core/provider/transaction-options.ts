import { TRANSACTION_ISOLATION_LEVELS, type IsolationLevel, type TransactionSettings } from 'kysely';
import type { Clock } from '../foundation/clock.ts';
import { TransactionTimeoutError } from '../foundation/errors/transaction-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { planRetry, type RetryOptions, type RetryPlan } from './transaction-retry.ts';

/** How a transaction runs. */
export interface TransactionOptions {
  /** The isolation level; the engine's own by default. SQLite accepts every level and runs `serializable`. */
  readonly isolation?: IsolationLevel | undefined;
  /** Whether writes are refused with ReadOnlyDatabaseError. False by default. */
  readonly readOnly?: boolean | undefined;
  /**
   * Whether and how the whole work runs again where the database could not serialise it, ended it as a deadlock, was
   * busy, or lost the connection before COMMIT was sent. False by default; `true` means the defaults of
   * `RetryOptions`. The work must then do nothing outside of the transaction that it may not do twice.
   */
  readonly retry?: RetryOptions | boolean | undefined;
  /**
   * How long it may take until its COMMIT is begun, all attempts together, in ms from 1 to 24 h; then its caller gets
   * TransactionTimeoutError. No limit by default.
   */
  readonly timeout?: number | undefined;
  /** Ends it in the same way, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The options as they were checked. */
export interface TransactionPlan {
  readonly settings: TransactionSettings;
  /** Undefined where nothing is tried again. */
  readonly retry: RetryPlan | undefined;
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
}

const longestTimeout = 24 * 60 * 60 * 1_000;

/**
 * Checks the options.
 *
 * @param issues faults that are known already
 * @throws ValidationError with every fault
 */
export function planTransaction(options: TransactionOptions, issues: Issue[] = []): TransactionPlan {
  const { isolation, readOnly = false, timeout, signal } = options;
  const fault = (name: string, message: string) => issues.push({ path: [name], message });
  if (isolation !== undefined && !TRANSACTION_ISOLATION_LEVELS.includes(isolation))
    fault('isolation', `must be one of ${TRANSACTION_ISOLATION_LEVELS.join(', ')}`);
  if (typeof readOnly !== 'boolean') fault('readOnly', 'must be true or false');
  if (timeout !== undefined && !(Number.isFinite(timeout) && timeout >= 1 && timeout <= longestTimeout))
    fault('timeout', `must be a number from 1 to ${longestTimeout} ms`);
  if (signal !== undefined && !(signal instanceof AbortSignal)) fault('signal', 'must be an AbortSignal');
  const retry = planRetry(options.retry, issues);
  if (issues.length > 0) throw new ValidationError(issues);
  const settings: TransactionSettings = {
    ...(isolation === undefined ? {} : { isolationLevel: isolation }),
    ...(readOnly ? { accessMode: 'read only' } : {}),
  };
  return { settings, retry, timeout, signal };
}

/**
 * Runs work under a time limit and a signal.
 *
 * @param work is given the signal that fires for either; undefined where neither was asked for
 */
export async function withinLimits<Result>(
  plan: Limits,
  clock: Clock,
  work: (signal: AbortSignal | undefined) => Promise<Result>,
): Promise<Result> {
  const limits = startLimits(plan, clock);
  // Awaited here: behind a promise that is handed on, the stack of a leak would not show its caller.
  try {
    return await work(limits.signal);
  } finally {
    limits.end();
  }
}

/** A time limit and a signal that are watched. */
export interface RunningLimits {
  /** Fires at the one or with the other; undefined where neither was asked for. */
  readonly signal: AbortSignal | undefined;
  /** Stops watching, and leaves nothing behind on the signal that was given. */
  readonly end: () => void;
}

type Limits = Pick<TransactionPlan, 'timeout' | 'signal'>;

/** Starts to watch. Its caller says when it ends. */
export function startLimits({ timeout, signal }: Limits, clock: Clock): RunningLimits {
  if (timeout === undefined) return { signal, end: () => {} };
  const controller = new AbortController();
  // In place of `AbortSignal.any`, which leaves a trace on a signal that lives as long as the process.
  const abort = (): void => controller.abort(signal?.reason);
  const cancel = clock.schedule(timeout, () => controller.abort(timeoutError(timeout)));
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  return {
    signal: controller.signal,
    end: () => {
      cancel();
      signal?.removeEventListener('abort', abort);
    },
  };
}

function timeoutError(timeout: number): TransactionTimeoutError {
  return new TransactionTimeoutError(
    `The transaction was not done within its ${timeout} ms, and is rolled back.`,
  );
}

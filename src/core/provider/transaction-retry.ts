import { decorrelatedJitter } from '../foundation/backoff.ts';
import type { Clock } from '../foundation/clock.ts';
import { CommitOutcomeUnknownError } from '../foundation/errors/connection-errors.ts';
import type { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import {
  DatabaseBusyError,
  DeadlockError,
  SerializationFailureError,
  StalePreparedStatementError,
} from '../foundation/errors/transaction-errors.ts';
import type { Issue } from '../foundation/issue.ts';
import { RetryBudget } from '../foundation/retry-budget.ts';
import { within } from '../foundation/within.ts';
import { isLoss, type DatabaseRecovery } from './database-recovery.ts';
import { suppress } from './suppressed-error.ts';
import type { TransactionRun } from './transaction-runner.ts';

/** What is told of a retry. */
export interface RetryEvent {
  /** The number of the attempt that failed, from 1. */
  readonly attempt: number;
  /** Why it failed. */
  readonly error: unknown;
  /** How long the next attempt waits, in ms. Behind a lost connection the database is waited for as well. */
  readonly delay: number;
}

/** How often work in a transaction runs again, and after which pauses. */
export interface RetryOptions {
  /** How often it runs at most, the first time included; an integer from 1 to 100. 5 by default. */
  readonly attempts?: number;
  /** The shortest pause between two attempts, in ms from 0.1 to 60,000. 10 by default. */
  readonly baseDelay?: number;
  /** The longest pause between two attempts, in ms from `baseDelay` to 60,000. 200 by default. */
  readonly maxDelay?: number;
  /** Hears of each retry, before its pause. Where it throws, nothing is tried again. */
  readonly onRetry?: (event: RetryEvent) => void;
}

/** Retries as they were asked for, with their defaults. */
export type RetryPlan = Required<Omit<RetryOptions, 'onRetry'>> & Pick<RetryOptions, 'onRetry'>;

const longestDelay = 60_000;

/**
 * One for the whole process: where nothing comes through, each call has one try beside the stock, so that a database in
 * trouble has at most twice the load of the work itself. Tries that led to a success are given back.
 *
 * Conflicts cost nothing of it: of those who got in each other's way one came through, so the database is well, and
 * each has only its own attempts. With them in it 32 writers on 4 rows spent it at once, and 8 in 10 then failed.
 */
const budget = new RetryBudget({ initial: 1_000, perCall: 1, capacity: 1_000 });

/** What a retried transaction needs beside its work. */
export interface RetryContext {
  readonly clock: Clock;
  readonly recovery: DatabaseRecovery;
  /** Ends the pauses as well. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads what was asked of retries.
 *
 * @param issues takes up every fault
 * @returns undefined where nothing is tried again
 */
export function planRetry(retry: RetryOptions | boolean | undefined, issues: Issue[]): RetryPlan | undefined {
  if (retry === undefined || retry === false) return undefined;
  if (retry !== true && (typeof retry !== 'object' || retry === null)) {
    issues.push({ path: ['retry'], message: 'must be true, false or an object' });
    return undefined;
  }
  const options: RetryOptions = retry === true ? {} : retry;
  const { attempts = 5, baseDelay = 10, maxDelay = Math.max(200, baseDelay), onRetry } = options;
  const fault = (name: string, message: string) => issues.push({ path: ['retry', name], message });
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 100)
    fault('attempts', 'must be an integer from 1 to 100');
  if (!(baseDelay >= 0.1 && baseDelay <= longestDelay))
    fault('baseDelay', `must be a number from 0.1 to ${longestDelay} ms`);
  if (!(maxDelay >= baseDelay && maxDelay <= longestDelay))
    fault('maxDelay', `must be a number from baseDelay to ${longestDelay} ms`);
  if (onRetry !== undefined && typeof onRetry !== 'function') fault('onRetry', 'must be a function');
  return { attempts, baseDelay, maxDelay, ...(onRetry && { onRetry }) };
}

/**
 * Runs attempts until one succeeds, or fails for a reason that another attempt would not mend. An attempt whose
 * statement failed for such a reason failed for it, whatever the work made of it.
 *
 * @throws the error of the last attempt
 */
export async function runRetried<DB, Result>(
  attempt: (run: TransactionRun<DB>) => Promise<Result>,
  plan: RetryPlan,
  { clock, recovery, signal }: RetryContext,
): Promise<Result> {
  budget.earn();
  const nextDelay = decorrelatedJitter({ base: plan.baseDelay, cap: plan.maxDelay });
  let spent = 0;
  for (let number = 1; ; number += 1) {
    const run: TransactionRun<DB> = {};
    try {
      const result = await attempt(run);
      budget.giveBack(spent);
      return result;
    } catch (error) {
      const cause = findReason([run.scope?.failure?.error, error]);
      if (cause === undefined || number >= plan.attempts || signal?.aborted === true) throw error;
      if (!isConflict(cause)) {
        if (!budget.spend()) throw error;
        spent += 1;
      }
      const delay = nextDelay();
      try {
        plan.onRetry?.({ attempt: number, error: cause, delay });
      } catch (refusal) {
        suppress(error, refusal);
        throw error;
      }
      await within(clock, delay, new Promise<never>(() => {}), signal);
      if (isLoss(cause)) await within(clock, Number.POSITIVE_INFINITY, recovery.wait(), signal);
    }
  }
}

/** How many causes deep a reason is looked for. */
const deepest = 10;

/**
 * Finds the reason to try again in errors or their causes: services wrap what they do not expect. An outcome that
 * nobody knows, wherever it stands among them, wins over every reason: the work may have been applied.
 */
function findReason(errors: readonly unknown[]): LiminalDataError | undefined {
  const met = errors.flatMap(causesOf);
  return met.some((error) => error instanceof CommitOutcomeUnknownError) ? undefined : met.find(isTransient);
}

/** An error and its causes. */
function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && causes.length < deepest; at = at.cause) causes.push(at);
  return causes;
}

/**
 * Whether another attempt may succeed, and cannot do twice what was done once: nothing of a transaction that
 * failed so is applied. PoolTimeoutError is not among them, since more callers would not make a connection free.
 */
function isTransient(error: unknown): error is LiminalDataError {
  return (
    isConflict(error) ||
    error instanceof DatabaseBusyError ||
    error instanceof StalePreparedStatementError ||
    isLoss(error)
  );
}

/** Whether another transaction came through in place of this one. */
function isConflict(error: unknown): boolean {
  return error instanceof SerializationFailureError || error instanceof DeadlockError;
}

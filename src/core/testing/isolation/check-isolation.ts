import type { IsolationLevel } from 'kysely';
import { decorrelatedJitter } from '../../foundation/backoff.ts';
import { sleep, systemClock, type Clock } from '../../foundation/clock.ts';
import { isLiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import { assertNotProduction } from '../assert-not-production.ts';
import { pickSeed, seededRandom } from '../seeded-random.ts';
import { findAnomalies } from './find-anomalies.ts';
import { anomalyKinds, type AnomalyKind, type IsolationAnomaly } from './isolation-anomaly.ts';
import type { IsolationOperation, IsolationTransaction } from './isolation-history.ts';
import type { IsolationScope, IsolationSubject } from './isolation-subject.ts';
import { planTransactions, type PlannedTransaction } from './plan-transactions.ts';

/** How much the isolation check does. */
export interface IsolationOptions {
  /** How many transactions are run, from 1. 1,000 by default. */
  readonly transactions?: number;
  /** How many run at the same time, from 1. 10 by default; more than the pool has connections gains nothing. */
  readonly concurrency?: number;
  /** The isolation level; the subject's own by default. */
  readonly isolation?: IsolationLevel;
  /** How many keys are in use at a time, from 1: the fewer, the more transactions meet. 6 by default. */
  readonly keys?: number;
  /** How often a transaction is tried that fails and may be run again, from 1. 50 by default. */
  readonly attempts?: number;
  /** Whether a transaction that failed may be run again. By default by `retryable` and the codes of drivers. */
  readonly isRetryable?: (error: unknown) => boolean;
  /** Plans the same transactions again; an integer. A random one by default, which the report tells. */
  readonly seed?: number;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/** What the isolation check found. */
export interface IsolationReport {
  /** Transactions that were committed. */
  readonly committed: number;
  /** Attempts that were rolled back, on purpose or by the database. */
  readonly aborted: number;
  /** Transactions that failed for good, with what is not retryable or too often. Their errors are in `errors`. */
  readonly failed: number;
  /** The first few errors of transactions that failed for good. */
  readonly errors: readonly unknown[];
  /** How often each anomaly was found. */
  readonly counts: Readonly<Record<AnomalyKind, number>>;
  /** Every anomaly, with the transactions that make it up. */
  readonly anomalies: readonly IsolationAnomaly[];
  /** What the transactions did, for those that an anomaly names. */
  readonly transactions: ReadonlyMap<number, IsolationTransaction>;
  /** Plans the same transactions again. */
  readonly seed: number;
}

const pauses = { base: 1, cap: 20 };
const errorsKept = 5;
/** Of Postgres and SQLite, for libraries whose errors say nothing about trying again. */
const retryableCodes = /^(40001|40P01|SQLITE_BUSY.*)$/;

class PlannedFailure extends Error {}

/**
 * Runs transactions that read and append to a few lists at the same time, and looks for what no order of them, one
 * after the other, explains. It does not throw where it finds something: with a level that allows an anomaly, finding
 * it is right.
 *
 * @param subject the database; `kyselyIsolationSubject` makes one
 * @param options counts, level, seed and retries
 * @returns what was found; `anomalies` is empty where everything was serializable
 * @throws ConfigurationError with `NODE_ENV=production`; and what `reset` and `readAll` of the subject throw
 * @example
 * const report = await checkIsolation(kyselyIsolationSubject(provider), { isolation: 'serializable' });
 * if (report.anomalies.length > 0) throw new Error(report.anomalies[0]?.explanation);
 */
export async function checkIsolation(
  subject: IsolationSubject,
  options: IsolationOptions = {},
): Promise<IsolationReport> {
  assertNotProduction();
  const { transactions: count = 1_000, concurrency = 10, keys: keyCount = 6, seed = pickSeed() } = options;
  const { plans, keys } = planTransactions(count, keyCount, seededRandom(seed));
  await subject.reset(keys);
  const run = new IsolationRunner(subject, options);
  const waiting = plans.values();
  const work = async () => {
    // One iterator for all: each plan is taken once.
    for (const plan of waiting) await run.run(plan);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  const anomalies = findAnomalies({ transactions: run.history, final: await subject.readAll() });
  const named = new Set(anomalies.flatMap(({ transactions }) => transactions));
  const byOutcome = (outcome: string) => run.history.filter((each) => each.outcome === outcome).length;
  return {
    committed: byOutcome('committed'),
    aborted: byOutcome('aborted'),
    failed: run.failed,
    errors: run.errors,
    counts: countByKind(anomalies),
    anomalies,
    transactions: new Map(run.history.filter(({ id }) => named.has(id)).map((each) => [each.id, each])),
    seed,
  };
}

/** Runs planned transactions, and writes down what each attempt did. */
class IsolationRunner {
  readonly history: IsolationTransaction[] = [];
  readonly errors: unknown[] = [];
  readonly #subject: IsolationSubject;
  readonly #options: IsolationOptions;
  #failed = 0;
  #lastId = 0;
  #lastValue = 0;

  constructor(subject: IsolationSubject, options: IsolationOptions) {
    this.#subject = subject;
    this.#options = options;
  }

  get failed(): number {
    return this.#failed;
  }

  async run(plan: PlannedTransaction): Promise<void> {
    const { attempts = 50, isRetryable = mayRunAgain, clock = systemClock } = this.#options;
    const nextPause = decorrelatedJitter(pauses);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#attempt(plan);
        return;
      } catch (error) {
        if (error instanceof PlannedFailure) return;
        if (attempt >= attempts || !isRetryable(error)) {
          this.#fail(error);
          return;
        }
        await sleep(clock, nextPause());
      }
    }
  }

  async #attempt(plan: PlannedTransaction): Promise<void> {
    const { isolation } = this.#options;
    // The subject may run the work again by itself: only its last run can have been committed.
    let operations: IsolationOperation[] | undefined;
    const note = (outcome: IsolationTransaction['outcome']) => {
      if (operations === undefined) return;
      this.#lastId += 1;
      this.history.push({ id: this.#lastId, outcome, operations });
    };
    const work = (scope: IsolationScope) => {
      note('aborted');
      operations = [];
      return this.#perform(plan, scope, operations);
    };
    try {
      await this.#subject.transaction(work, { isolation, readOnly: plan.readOnly });
      note('committed');
    } catch (error) {
      note(isLiminalDataError(error, 'LIMINAL_COMMIT_OUTCOME_UNKNOWN') ? 'unknown' : 'aborted');
      throw error;
    }
  }

  async #perform(
    { operations, isUndone }: PlannedTransaction,
    scope: IsolationScope,
    done: IsolationOperation[],
  ): Promise<void> {
    for (const { kind, key } of operations) {
      if (kind === 'read') {
        done.push({ kind, key, values: await scope.read(key) });
        continue;
      }
      this.#lastValue += 1;
      const operation = { kind, key, value: this.#lastValue } as const;
      // Written down before it is sent: what fails may have been seen by somebody all the same.
      done.push(operation);
      await scope.append(key, operation.value);
    }
    if (isUndone) throw new PlannedFailure('a transaction of the check that is rolled back on purpose');
  }

  #fail(error: unknown): void {
    this.#failed += 1;
    if (this.errors.length < errorsKept) this.errors.push(error);
  }
}

function mayRunAgain(error: unknown): boolean {
  if (isLiminalDataError(error)) return error.retryable;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return retryableCodes.test(code);
}

function countByKind(anomalies: readonly IsolationAnomaly[]): Record<AnomalyKind, number> {
  const count = (kind: AnomalyKind) => anomalies.filter((anomaly) => anomaly.kind === kind).length;
  return Object.fromEntries(anomalyKinds.map((kind) => [kind, count(kind)])) as Record<AnomalyKind, number>;
}

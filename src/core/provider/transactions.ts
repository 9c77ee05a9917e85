import type { DatabaseRecovery } from './database-recovery.ts';
import type { OpenTransaction } from './open-transaction.ts';
import { findRunning, requireOutside, type RunningTransaction } from './transaction-context.ts';
import {
  planTransaction,
  startLimits,
  withinLimits,
  type RunningLimits,
  type TransactionOptions,
  type TransactionPlan,
} from './transaction-options.ts';
import { runRetried } from './transaction-retry.ts';
import { TransactionRunner, leaveOnAbort, type TransactionRun } from './transaction-runner.ts';
import type { TransactionParts, TransactionScope } from './transaction-scope.ts';

/** What the transactions of a provider are made of. */
export interface TransactionsParts<DB> extends TransactionParts<DB> {
  /** How the database is waited for behind a loss. */
  readonly recovery: DatabaseRecovery;
}

const ignore = () => {};

const transactionsByProvider = new WeakMap<object, object>();

/** Lets `transactionsOf` find the transactions of a provider. */
export function bindTransactions<DB>(provider: object, transactions: Transactions<DB>): void {
  transactionsByProvider.set(provider, transactions);
}

/**
 * Finds the transactions of a provider, for the rooms above: they are no part of its public face.
 *
 * @returns undefined where it is no `DatabaseProvider`
 */
export function transactionsOf<DB>(provider: object): Transactions<DB> | undefined {
  return transactionsByProvider.get(provider) as Transactions<DB> | undefined;
}

/** The transactions of one provider: with their retries and limits, and those inside of others. */
export class Transactions<DB> {
  readonly #parts: TransactionsParts<DB>;
  readonly #runner: TransactionRunner<DB>;

  constructor(parts: TransactionsParts<DB>) {
    this.#parts = parts;
    this.#runner = new TransactionRunner(parts);
  }

  /** Finds the innermost transaction that runs around the code: a scope, or one that Kysely runs by itself. */
  findRunning(): RunningTransaction | undefined {
    return findRunning(this.#parts.database);
  }

  /** @throws OutsideTransactionError where the code runs inside of one */
  requireOutside(): void {
    requireOutside(this.#parts.database);
  }

  /** @throws OutsideTransactionError where the code runs inside of one already; and as `runNew` */
  async run<Result>(
    work: (scope: TransactionScope<DB>) => Promise<Result>,
    options: TransactionOptions,
  ): Promise<Result> {
    const plan = planTransaction(options);
    this.requireOutside();
    // Awaited here: behind a promise that is handed on, the stack of a leak would not show its caller.
    const result = await this.runNew(work, plan);
    return result;
  }

  /** Runs work in a transaction of its own, also inside of another one. */
  runNew<Result>(
    work: (scope: TransactionScope<DB>) => Promise<Result>,
    plan: TransactionPlan,
  ): Promise<Result> {
    const { clock, recovery } = this.#parts;
    const { settings, retry } = plan;
    return withinLimits(plan, clock, (signal) => {
      const attempt = (run?: TransactionRun<DB>) => this.#runner.run(settings, work, signal, run);
      return retry === undefined ? attempt() : runRetried(attempt, retry, { clock, recovery, signal });
    });
  }

  /** Runs work in a scope inside of another one; a retry is for the outermost. */
  runNested<Result>(
    outer: TransactionScope<DB>,
    work: (scope: TransactionScope<DB>) => Promise<Result>,
    plan: Pick<TransactionPlan, 'timeout' | 'signal'>,
  ): Promise<Result> {
    return withinLimits(plan, this.#parts.clock, (signal) => {
      const run: TransactionRun<DB> = {};
      const enter = (scope: TransactionScope<DB>): void => {
        // Its turn may have come when its caller was gone.
        signal?.throwIfAborted();
        run.scope = scope;
      };
      return leaveOnAbort(signal, run, () => outer.nest(work, enter));
    });
  }

  /**
   * Runs work in a scope that runs already, as a part of it: where it fails, nothing of the scope is kept, also where
   * somebody catches the error.
   */
  async runJoined<Result>(
    scope: TransactionScope<DB>,
    work: () => Promise<Result>,
    plan: Pick<TransactionPlan, 'timeout' | 'signal'>,
  ): Promise<Result> {
    try {
      return await withinLimits(plan, this.#parts.clock, (signal) =>
        leaveOnAbort(signal, { scope }, async () => work()),
      );
    } catch (error) {
      scope.fail(error);
      throw error;
    }
  }

  /**
   * Begins a transaction that its caller ends.
   *
   * @returns the transaction, and its limits, which its caller watches and ends
   */
  async begin(plan: TransactionPlan): Promise<BegunTransaction<DB>> {
    const limits = startLimits(plan, this.#parts.clock);
    const { signal } = limits;
    try {
      signal?.throwIfAborted();
      const beginning = this.#runner.begin(plan.settings, signal);
      try {
        const transaction = await leaveOnAbort(signal, {}, () => beginning);
        return { transaction, limits };
      } catch (error) {
        // Its caller may be gone before it has begun: nobody else would end it, and its connection would be lost.
        beginning.then((transaction) => transaction.rollback({ error }), ignore);
        throw error;
      }
    } catch (error) {
      limits.end();
      throw error;
    }
  }
}

/** A transaction that was begun, and what ends it early. */
export interface BegunTransaction<DB> {
  readonly transaction: OpenTransaction<DB>;
  readonly limits: RunningLimits;
}

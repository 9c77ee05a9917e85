import { transactionClosed } from '../engine/transaction-closed.ts';
import type { BegunTransaction } from '../provider/transactions.ts';
import type { TransactionOptions } from '../provider/transaction-options.ts';
import type { Unit } from './unit.ts';

/** What a unit inside of an explicit one may be told: the rest is that of the one around it. */
export type NestedUnitOptions = Pick<TransactionOptions, 'timeout' | 'signal'>;

/** How a unit ends that its caller ends. */
export interface UnitEnding<NestedUnit> extends AsyncDisposable {
  /**
   * Commits; the hooks of `afterCommit` are done when it comes back.
   *
   * @throws TransactionAbortedError where a statement has failed, and the error of the commit; nothing is kept then
   * @throws CommitOutcomeUnknownError where the connection was lost meanwhile and nobody could be asked
   * @throws TransactionClosedError where it has ended before: its `cause` says why, where that was its time limit or
   *   its signal
   */
  commit(): Promise<void>;
  /**
   * Undoes everything. Where an end has begun already, it waits for that: behind a commit that failed nothing is left
   * to undo, and the error of the commit is the one to tell.
   *
   * @throws TransactionClosedError where it was committed
   */
  rollback(): Promise<void>;
  /**
   * Runs work in a unit inside of this one: a savepoint, undone alone where the work throws.
   *
   * @param work is given the inner unit
   * @param options time limit and signal of the inner unit
   * @returns what the work returns
   * @throws what the work throws; TransactionAbortedError where one of its statements has failed
   */
  run<Result>(work: (unit: NestedUnit) => Promise<Result>, options?: NestedUnitOptions): Promise<Result>;
}

/** A unit of work that its caller ends. What is not committed by the end of its block is rolled back. */
export type ExplicitUnit<DB, Repositories = unknown, Services = unknown> = Unit<DB, Repositories, Services> &
  UnitEnding<Unit<DB, Repositories, Services>>;

/**
 * Makes the ending of a unit.
 *
 * @param run runs work in a unit inside of it
 */
export function endingOf<DB, NestedUnit>(
  { transaction, limits }: BegunTransaction<DB>,
  run: UnitEnding<NestedUnit>['run'],
): UnitEnding<NestedUnit> {
  const { signal } = limits;
  const abort = (): void => {
    if (!transaction.scope.abort(signal?.reason)) return;
    transaction.rollback({ error: signal?.reason }).then(stopWatching, stopWatching);
  };
  const stopWatching = (): void => {
    signal?.removeEventListener('abort', abort);
    limits.end();
  };
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  const endOrRollBack = (): Promise<void> =>
    transaction.isEnding ? transaction.ended() : transaction.rollback().finally(stopWatching);
  return {
    commit: async () => {
      if (transaction.isEnding) throw transactionClosed(signal?.reason);
      await transaction.commit().finally(stopWatching);
    },
    rollback: async () => {
      await endOrRollBack();
      if (transaction.scope.state === 'kept') throw transactionClosed();
    },
    run,
    [Symbol.asyncDispose]: endOrRollBack,
  };
}

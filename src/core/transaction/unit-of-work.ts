import { OutsideTransactionError } from '../foundation/errors/transaction-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { DatabaseProvider } from '../provider/database-provider.ts';
import {
  planTransaction,
  type TransactionOptions,
  type TransactionPlan,
} from '../provider/transaction-options.ts';
import type { RunningTransaction } from '../provider/transaction-context.ts';
import { TransactionScope } from '../provider/transaction-scope.ts';
import { transactionsOf, type Transactions } from '../provider/transactions.ts';
import { endingOf, type ExplicitUnit } from './explicit-unit.ts';
import { UnitFactory, type RepositoryMakers, type ServiceMakers } from './unit-factory.ts';
import type { Unit } from './unit.ts';

/**
 * What becomes of a unit inside of another one: `nested` is a savepoint, undone alone; `join` is a part of the one
 * around it; `new` is a transaction of its own on a connection of its own; `never` is refused.
 */
export type Propagation = 'nested' | 'join' | 'new' | 'never';

/** How a unit of work runs. */
export interface UnitOptions extends TransactionOptions {
  /** `nested` by default. Without a unit around it each of them begins one. */
  readonly propagation?: Propagation | undefined;
}

/** What a unit of work is made of. */
export interface UnitOfWorkOptions<DB, Repositories, Services> {
  /** Makes each repository, by its name. */
  readonly repositories?: RepositoryMakers<DB, Repositories>;
  /** Makes each service that the unit hands out beside its repositories, by its name. */
  readonly services?: ServiceMakers<DB, Repositories, Services>;
  /** What holds where a call says nothing; `serializable` and up to 5 attempts by themselves. */
  readonly defaults?: Omit<UnitOptions, 'signal' | 'propagation'>;
}

const noOptions: UnitOptions = {};
const propagations: readonly Propagation[] = ['nested', 'join', 'new', 'never'];

/**
 * Work of services that holds together: repositories and services bound to one transaction, which is committed when
 * the work returns and rolled back when it throws. It runs `serializable`, and runs the whole work again, up to 5
 * times, where the database could not serialise it, ended it as a deadlock, was busy, or lost the connection before
 * COMMIT was sent. So the work must be able to run again: what it does outside of the database belongs into
 * `afterCommit`, into an outbox or into a saga.
 *
 * Statements belong to their scope: what comes late is refused, and a statement that failed undoes its scope, also
 * where its error is swallowed. It does not track entities and flushes nothing: a write is sent when it is called.
 *
 * @typeParam DB the table interfaces
 * @typeParam Repositories the repositories by name
 * @typeParam Services the services by name
 * @example
 * const unitOfWork = new UnitOfWork(provider, {
 *   repositories: { accounts: (target) => new AccountRepository(target) },
 * });
 * await unitOfWork.run(async ({ repositories: { accounts } }) => {
 *   await accounts.update(withdraw(await accounts.getById(from), 10));
 *   await accounts.update(deposit(await accounts.getById(to), 10));
 * });
 */
export class UnitOfWork<DB, Repositories = unknown, Services = unknown> {
  readonly #transactions: Transactions<DB>;
  readonly #units: UnitFactory<DB, Repositories, Services>;
  readonly #defaults: TransactionOptions;
  /** For a call that asks for nothing by itself. */
  readonly #defaultPlan: TransactionPlan;

  /**
   * @param provider whose database it works on
   * @param options makers of repositories and services, and defaults
   * @throws ValidationError where the provider is none, or the options have faults
   */
  constructor(provider: DatabaseProvider<DB>, options: UnitOfWorkOptions<DB, Repositories, Services> = {}) {
    const transactions = transactionsOf<DB>(provider);
    if (transactions === undefined)
      throw new ValidationError([{ path: ['provider'], message: 'must be a DatabaseProvider' }]);
    const { repositories, services, defaults = {} } = options;
    planTransaction(defaults);
    this.#transactions = transactions;
    this.#units = new UnitFactory(provider, repositories, services);
    this.#defaults = { ...defaults };
    this.#defaultPlan = this.#plan({});
  }

  /**
   * Runs work as a unit. Inside of another unit of the same provider it is a part of that one; see `propagation`.
   *
   * @param work is given the unit; it may run several times
   * @param options isolation level (`serializable`), access mode, retry (`true`), time limit, signal and propagation
   *   (`nested`). A nested unit has the level and the mode of the one around it, and is not retried alone
   * @returns what the work returns; the hooks of `afterCommit` are done then
   * @throws what the work throws: the first error, whatever the rollback meets behind it
   * @throws TransactionAbortedError where a statement has failed and the work returned all the same
   * @throws SerializationFailureError, DeadlockError, DatabaseBusyError or ConnectionError of the last attempt
   * @throws CommitOutcomeUnknownError where the connection was lost while COMMIT was under way, and nobody could be
   *   asked; it is not tried again
   * @throws TransactionTimeoutError where the time ran out, and the signal's reason where it fired
   * @throws OutsideTransactionError for `never` inside of a transaction, and for `nested` and `join` inside of one that
   *   plain Kysely runs
   * @throws NestedAcquireError for `new` where the unit around it holds the only connection
   * @throws ValidationError with every fault of the options
   * @example
   * const thread = await unitOfWork.run(
   *   ({ repositories }) => repositories.threads.getById(id),
   *   { readOnly: true, timeout: 2_000 },
   * );
   */
  async run<Result>(
    work: (unit: Unit<DB, Repositories, Services>) => Promise<Result>,
    options: UnitOptions = noOptions,
  ): Promise<Result> {
    const plan = options === noOptions ? this.#defaultPlan : this.#plan(options);
    const { propagation = 'nested' } = options;
    // Asked for a new one as well: what a unit that was undone has left behind begins nothing more.
    const around = this.#transactions.findRunning();
    const running = propagation === 'new' ? undefined : around;
    // Awaited here: behind a promise that is handed on, the stack of a leak would not show its caller.
    let result: Result;
    if (running === undefined) {
      result = await this.#transactions.runNew((scope) => work(this.#unitOf(scope)), plan);
    } else {
      const outer = requireScope<DB>(running, propagation);
      requireSameSettings(outer, options);
      result =
        propagation === 'join'
          ? await this.#transactions.runJoined(outer, () => work(this.#unitOf(outer)), plan)
          : await this.#runNested(outer, work, plan);
    }
    return result;
  }

  /**
   * Begins a unit that its caller ends: `commit()` keeps it, and `rollback()` or the end of its block undoes it. It is
   * not retried. It stands in no async context, so that a root handle used beside it is not noticed: that takes a
   * connection of its own, or waits for one up to `pool.acquireTimeout`.
   *
   * @param options as for `run`, without `retry` and `propagation`
   * @returns the unit; declare it with `await using`
   * @throws OutsideTransactionError inside of a running transaction
   * @throws PoolTimeoutError, PoolClosedError and ConnectionError where no connection could be had
   * @throws ValidationError with every fault of the options
   * @example
   * await using unit = await unitOfWork.begin();
   * await unit.repositories.accounts.update(changed);
   * await unit.commit();
   */
  async begin(
    options: Omit<UnitOptions, 'retry' | 'propagation'> = {},
  ): Promise<ExplicitUnit<DB, Repositories, Services>> {
    const plan = this.#plan(options);
    this.#transactions.requireOutside();
    const begun = await this.#transactions.begin(plan);
    const { scope } = begun.transaction;
    return Object.assign(
      this.#unitOf(scope),
      endingOf<DB, Unit<DB, Repositories, Services>>(begun, (work, nested = {}) =>
        this.#runNested(scope, work, this.#plan(nested)),
      ),
    );
  }

  #runNested<Result>(
    outer: TransactionScope<DB>,
    work: (unit: Unit<DB, Repositories, Services>) => Promise<Result>,
    plan: TransactionPlan,
  ): Promise<Result> {
    return this.#transactions.runNested(outer, (scope) => work(this.#unitOf(scope)), plan);
  }

  #unitOf(scope: TransactionScope<DB>): Unit<DB, Repositories, Services> {
    return this.#units.unitOf(scope);
  }

  #plan(options: UnitOptions): TransactionPlan {
    const { isolation, readOnly, retry, timeout, signal, propagation = 'nested' } = options;
    const defaults = this.#defaults;
    const issues: Issue[] = propagations.includes(propagation)
      ? []
      : [{ path: ['propagation'], message: `must be one of ${propagations.join(', ')}` }];
    const asked = {
      isolation: isolation ?? defaults.isolation ?? 'serializable',
      readOnly: readOnly ?? defaults.readOnly,
      retry: retry ?? defaults.retry ?? true,
      timeout: timeout ?? defaults.timeout,
      signal,
    };
    return planTransaction(asked, issues);
  }
}

function requireScope<DB>(running: RunningTransaction, propagation: Propagation): TransactionScope<DB> {
  if (propagation === 'never') {
    throw new OutsideTransactionError(
      'The unit of work is never to run inside of a transaction, and one runs around it. Call it before, or say outside(() => …).',
    );
  }
  if (running instanceof TransactionScope) return running as TransactionScope<DB>;
  throw new OutsideTransactionError(
    "A unit of work cannot be a part of a transaction that plain Kysely runs. Run that one by unitOfWork.run or provider.transaction, or ask for propagation 'new'.",
  );
}

/** What a transaction was begun with holds for everything in it. */
function requireSameSettings<DB>(
  { settings }: TransactionScope<DB>,
  { isolation, readOnly }: UnitOptions,
): void {
  const isReadOnly = settings.accessMode === 'read only';
  const issues = [
    ...(isolation === undefined || isolation === settings.isolationLevel ? [] : ['isolation']),
    ...(readOnly === undefined || readOnly === isReadOnly ? [] : ['readOnly']),
  ].map((name) => ({ path: [name], message: 'must be that of the unit around it, or be left out' }));
  if (issues.length > 0) throw new ValidationError(issues);
}

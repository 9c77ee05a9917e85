import {
  CompiledQuery,
  type ControlConnectionProvider,
  type DatabaseConnection,
  type Driver,
  type Transaction,
  type TransactionSettings,
} from 'kysely';
import { transactionAborted } from '../engine/transaction-aborted.ts';
import type { TransactionFailure } from '../engine/transaction-standing.ts';
import { transactionClosed } from '../engine/transaction-closed.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Logger } from '../foundation/logger.ts';
import { isLoss } from './database-recovery.ts';
import { ObservedRunner } from './observed-runner.ts';
import type { ProviderKysely } from './provider-kysely.ts';
import { ScopeHandle } from './scope-handle.ts';
import { suppress } from './suppressed-error.ts';
import { TransactionConnection } from './transaction-connection.ts';
import type { TransactionListener } from '../foundation/telemetry.ts';
import type { StatementObserver } from './statement-observer.ts';
import { runInside, type RunningTransaction, type TrackedDatabase } from './transaction-context.ts';
import { TransactionHooks } from './transaction-hooks.ts';

/** What transactions are made of. */
export interface TransactionParts<DB> {
  /** Whose executor compiles, with its plugins. */
  readonly db: ProviderKysely<DB>;
  /** Lends connections, and begins and ends transactions on them. */
  readonly driver: Driver;
  readonly database: TrackedDatabase;
  /** Tells who listens of the statements; undefined where nobody does. */
  readonly observer: StatementObserver | undefined;
  /** Hears of the transactions; undefined where nobody does. */
  readonly listener: TransactionListener | undefined;
  readonly clock: Clock;
  /** Hears of what fails behind an error, and of hooks that fail. */
  readonly logger: Logger;
}

/**
 * What belongs together and ends as one: a transaction, or a savepoint in it. It owns its statements: they run
 * while it is open, and none of them runs outside of it. A scope inside of it is undone alone.
 *
 * It begins and ends nothing by itself; `OpenTransaction` does, and `nest` for the scope inside.
 */
export class TransactionScope<DB> implements RunningTransaction {
  readonly database: TrackedDatabase;
  readonly number: number;
  /** The handle whose statements belong to it. */
  readonly db: Transaction<DB>;
  readonly hooks: TransactionHooks;
  /** How its transaction was begun. */
  readonly settings: TransactionSettings;
  readonly #parts: TransactionParts<DB>;
  readonly #connection: DatabaseConnection;
  readonly #statements: TransactionConnection;
  /** The scope that it is inside of. */
  readonly #around: TransactionScope<DB> | undefined;
  readonly #depth: number;
  #controller: AbortController | undefined;
  #inner: TransactionScope<DB> | undefined;
  #isKept = false;
  /** Why it comes to nothing, once it is known that it does. */
  #undoing: TransactionFailure | undefined;
  /** Whether its end can be changed no more. */
  #isDecided = false;
  #cancelling: Promise<void> | undefined;
  #companions: Map<object, unknown> | undefined;
  /** Those of whoever takes part in its commit, once the work can send none any more. */
  #lastStatements: TransactionConnection | undefined;
  /** Lets go of the work, where it runs, or of who takes part in the commit. */
  #leave: ((reason: unknown) => void) | undefined;

  /**
   * @param connection in a transaction that has begun
   * @param number that of the transaction
   */
  constructor(
    parts: TransactionParts<DB>,
    connection: DatabaseConnection,
    settings: TransactionSettings,
    number: number,
    around?: TransactionScope<DB>,
  ) {
    this.settings = settings;
    this.#parts = parts;
    this.#connection = connection;
    this.#around = around;
    this.#depth = around === undefined ? 0 : around.#depth + 1;
    this.database = parts.database;
    this.number = number;
    this.hooks = new TransactionHooks(parts.logger, settings.accessMode === 'read only', around?.hooks);
    this.#statements = new TransactionConnection(connection);
    this.db = this.#makeHandle(this.#statements);
  }

  get state(): RunningTransaction['state'] {
    if (this.#undoing !== undefined) return 'undone';
    if (this.#isKept) return 'kept';
    return this.#statements.isOpen ? 'open' : 'ending';
  }

  /** The first statement that failed in it, where nothing has undone it. */
  get failure(): TransactionFailure | undefined {
    return this.#statements.failure;
  }

  /** Is aborted when the scope ends otherwise than by its commit, or one around it does. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      const around = this.#around?.signal;
      if (this.#undoing !== undefined) controller.abort(this.#undoing.error);
      else if (around?.aborted === true) controller.abort(around.reason);
      else around?.addEventListener('abort', () => controller.abort(around.reason), { once: true });
    }
    return this.#controller.signal;
  }

  /**
   * What somebody has for this scope, made when it is first asked for. Kept here: a WeakMap with an entry for each scope
   * keeps the garbage collector busy.
   *
   * @param owner who makes it, and asks for it again
   */
  companionOf<Companion>(owner: object, make: () => Companion): Companion {
    this.#companions ??= new Map();
    let companion = this.#companions.get(owner) as Companion | undefined;
    if (companion === undefined) {
      companion = make();
      this.#companions.set(owner, companion);
    }
    return companion;
  }

  /** Notes that something in it failed, so that nothing of it may be kept. */
  fail(error: unknown): void {
    this.#statements.fail(error);
  }

  /** Runs work inside of it, for as long as it is not aborted. */
  run<Result>(work: (scope: TransactionScope<DB>) => Promise<Result>): Promise<Result> {
    const undoing = this.#undoing as { readonly error: Error } | undefined;
    if (undoing !== undefined) return Promise.reject(undoing.error);
    return new Promise((resolve, reject) => {
      this.#leave = reject;
      runInside(this, async () => work(this)).then(resolve, reject);
    });
  }

  /**
   * Runs work in a scope inside of this one: kept when the work returns, undone when it throws. Statements of this
   * scope wait meanwhile.
   *
   * @param onOpen is told of the scope before anything is sent; what it throws ends it
   */
  async nest<Result>(
    work: (scope: TransactionScope<DB>) => Promise<Result>,
    onOpen: (scope: TransactionScope<DB>) => void = () => {},
  ): Promise<Result> {
    const inner = new TransactionScope<DB>(this.#parts, this.#connection, this.settings, this.number, this);
    try {
      return await this.#statements.hold(inner, async () => {
        this.#inner = inner;
        try {
          onOpen(inner);
          return await this.#runInner(inner, work);
        } finally {
          this.#inner = undefined;
        }
      });
    } catch (error) {
      // Behind the turn of the inner scope: a hook may use the handle of this one.
      await inner.hooks.runAfterRollback(error);
      throw error;
    }
  }

  /**
   * Ends it early: what waits and what comes is refused, and what runs is cancelled where the engine can.
   *
   * @returns false where another end has begun, which then decides
   */
  abort(reason: unknown): boolean {
    if (this.#isDecided) return false;
    const isFirst = this.#undoing === undefined;
    if (isFirst) {
      this.#statements.fail(reason);
      this.abandon(reason);
      this.#leave?.(reason);
    }
    // Also where it fails already: the rollback waits for what runs.
    const running = this.#lastStatements ?? this.#statements;
    this.#cancelling ??= running.cancel(this.#control).catch((error: unknown) => {
      this.#parts.logger.warn({ error }, 'a statement of an aborted transaction could not be cancelled');
    });
    return isFirst;
  }

  /** Notes that it comes to nothing, and refuses whatever comes from now on. */
  abandon(reason: unknown): void {
    this.#undoing ??= { error: reason };
    this.#statements.close(reason);
    this.#lastStatements?.close(reason);
    // First what is inside: whoever hears the signal finds everything closed.
    this.#inner?.abort(reason);
    this.#controller?.abort(reason);
  }

  /**
   * Refuses whatever comes from now on, and waits for what is under way. A scope inside that is still open is
   * undone: nobody can say any more how it would have ended. Afterwards nothing changes its end.
   */
  async stop(): Promise<void> {
    await this.#quiesce();
    await this.#decide();
  }

  /**
   * Stops it for its commit: whoever takes part in that has its turn when the work can add nothing any more, and until
   * they are done it may still be aborted. For a transaction, and not for a scope inside of one.
   *
   * @throws what undoes it: the failure of a participant, or the reason of an abort
   */
  async finish(): Promise<void> {
    await this.#quiesce();
    try {
      if (this.hooks.hasGathered && this.failure === undefined) await this.#runParticipants();
    } finally {
      await this.#decide();
    }
  }

  /** Notes that what it did stays, for what its work has left behind. */
  keep(): void {
    this.#isKept = true;
  }

  async #runParticipants(): Promise<void> {
    const statements = new TransactionConnection(this.#connection);
    this.#lastStatements = statements;
    const db = this.#makeHandle(statements) as unknown as Transaction<never>;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#leave = reject;
        this.hooks.runBeforeCommit(db).then(resolve, reject);
      });
    } catch (error) {
      this.#statements.fail(error);
      throw error;
    } finally {
      statements.close();
      await statements.idle();
    }
  }

  async #quiesce(): Promise<void> {
    this.#statements.close();
    this.hooks.endGathering();
    this.#inner?.abort(transactionClosed());
    await this.#statements.idle();
  }

  async #decide(): Promise<void> {
    // Else it could hit what is sent to end the scope.
    await this.#cancelling;
    this.#isDecided = true;
  }

  async #runInner<Result>(
    inner: TransactionScope<DB>,
    work: (scope: TransactionScope<DB>) => Promise<Result>,
  ): Promise<Result> {
    const name = `liminal_${inner.#depth}`;
    try {
      await this.#command(`savepoint ${name}`);
    } catch (error) {
      this.#statements.fail(error);
      inner.abandon(error);
      throw error;
    }
    try {
      const result = await inner.run(work);
      await inner.stop();
      if (inner.failure !== undefined) throw transactionAborted(inner.failure.error);
      await this.#command(`release savepoint ${name}`);
      inner.keep();
      this.hooks.adopt(inner.hooks);
      return result;
    } catch (error) {
      inner.abandon(error);
      await inner.stop();
      await this.#undo(name, error);
      throw error;
    }
  }

  async #undo(name: string, error: unknown): Promise<void> {
    try {
      await this.#command(`rollback to savepoint ${name}`);
      await this.#command(`release savepoint ${name}`);
    } catch (failure) {
      // What cannot be undone alone is undone with everything around it; for a loss that is run again, and the error
      // of the work inside would hide it.
      this.#statements.fail(isLoss(failure) ? failure : error);
      suppress(error, failure);
    }
  }

  async #command(sql: string): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw(sql));
  }

  readonly #control: ControlConnectionProvider = async (consumer) => {
    const { driver } = this.#parts;
    const connection = await driver.acquireConnection();
    try {
      await consumer(connection);
    } finally {
      await driver.releaseConnection(connection);
    }
  };

  #makeHandle(statements: TransactionConnection): Transaction<DB> {
    const { db, driver, observer } = this.#parts;
    const executor = db.executorOn(statements, this.number);
    const { config } = db;
    const straight = observer ? new ObservedRunner(statements, observer, this.number) : statements;
    const runner = executor.plugins.length === 0 ? straight : undefined;
    return new ScopeHandle<DB>({ config, dialect: config.dialect, driver, executor }, this.hooks, runner);
  }
}

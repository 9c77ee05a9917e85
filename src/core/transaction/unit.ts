import type { Transaction } from 'kysely';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { AfterCommit, AfterRollback } from '../provider/transaction-hooks.ts';
import type { TransactionScope } from '../provider/transaction-scope.ts';
import type { SharedDefinitions } from '../query/shared-definitions.ts';
import type { TransactionalProvider } from './transactional-provider.ts';

/** Makes something that works on what it is given, such as a repository. */
export type Make<Target, Value> = (target: Target) => Value;

/** What does the work of one unit: the scope, and what its provider has for everybody. */
export interface UnitParts<DB, Repositories> {
  /** What it belongs to. */
  readonly scope: TransactionScope<DB>;
  /** What is said differently in the engine's SQL. */
  readonly sql: SqlVocabulary;
  /** What repositories have in common. */
  readonly shared: SharedDefinitions;
  /** Runs work in a savepoint of the scope. */
  readonly nest: <Result>(work: (tx: Transaction<DB>) => Promise<Result>) => Promise<Result>;
  /** Makes its repositories. */
  readonly makeRepositories: Make<TransactionalProvider<DB>, Repositories>;
}

/**
 * One run of work that holds together. Everything in it belongs to its transaction, and is of no use after its end:
 * then every call is TransactionClosedError.
 *
 * @typeParam DB the table interfaces
 * @typeParam Repositories the repositories by name; a service states in its type which of them it needs
 */
export class UnitScope<DB, Repositories> implements TransactionalProvider<DB> {
  /** Kysely in this transaction. */
  readonly db: Transaction<DB>;
  /** What is said differently in the engine's SQL. */
  readonly sql: SqlVocabulary;
  /** What repositories have in common, whichever unit they are made for. */
  readonly shared: SharedDefinitions;
  /** The repositories, bound to this transaction. Each is made when it is first asked for. */
  readonly repositories: Readonly<Repositories>;
  /**
   * Asks for work after the commit: once, in the order in which it was asked for, outside of the transaction, and
   * before `run` comes back. Nothing of it runs where this unit, or the one around it, is rolled back, or where nobody
   * knows the outcome (CommitOutcomeUnknownError). What throws is reported to the logger, and undoes nothing.
   *
   * @param hook may return a promise, which is waited for
   * @throws TransactionClosedError once the outcome is known
   */
  readonly afterCommit: (hook: AfterCommit) => void;
  /**
   * Asks for work after a rollback, each time that an attempt is rolled back. What throws is reported to the logger.
   *
   * @param hook is given the error; undefined where it was rolled back on purpose
   * @throws TransactionClosedError once the outcome is known
   */
  readonly afterRollback: (hook: AfterRollback) => void;
  /**
   * Runs work in a savepoint: undone alone where it throws.
   *
   * @param work is given the handle whose statements belong to it
   * @returns what the work returns
   * @throws what the work throws; TransactionAbortedError where one of its statements has failed
   */
  readonly transaction: <Result>(work: (tx: Transaction<DB>) => Promise<Result>) => Promise<Result>;
  readonly #scope: TransactionScope<DB>;

  /**
   * Use `UnitOfWork.run` or `UnitOfWork.begin`.
   *
   * @param parts what it works with
   */
  constructor({ scope, sql, shared, nest, makeRepositories }: UnitParts<DB, Repositories>) {
    this.db = scope.db;
    this.sql = sql;
    this.shared = shared;
    // Bound: arrow functions here kept their scopes alive over several rounds of the garbage collector.
    this.afterCommit = scope.hooks.afterCommit.bind(scope.hooks);
    this.afterRollback = scope.hooks.afterRollback.bind(scope.hooks);
    this.transaction = nest;
    this.repositories = makeRepositories(this);
    this.#scope = scope;
  }

  /**
   * Is aborted when the unit ends otherwise than by its commit: an error, its time limit, its signal. For what the
   * work does outside of the database.
   */
  get signal(): AbortSignal {
    return this.#scope.signal;
  }
}

/** What work in a unit is given: the unit, and the services that are bound to it, by their names. */
export type Unit<DB, Repositories = unknown, Services = unknown> = UnitScope<DB, Repositories> &
  Readonly<Services>;

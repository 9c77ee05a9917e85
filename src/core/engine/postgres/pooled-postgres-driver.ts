import { PostgresDriver, type DatabaseConnection, type TransactionSettings } from 'kysely';
import type { Clock } from '../../foundation/clock.ts';
import { TransactionAbortedError } from '../../foundation/errors/transaction-errors.ts';
import { PlainLease } from '../plain-lease.ts';
import { PostgresConnection } from './postgres-connection.ts';
import type { PostgresPool } from './postgres-pool.ts';
import type { PostgresSession } from './postgres-session.ts';

type Options = { readonly signal?: AbortSignal | undefined };

/** Called with a connection and what it was asked for with. */
export type ConnectionHook = (connection: DatabaseConnection, options?: Options) => Promise<void>;

/** What a driver of the stand-alone dialect calls back. */
export interface ConnectionHooks {
  /** Called once for each connection that is opened, before its first use. */
  readonly onCreateConnection?: ConnectionHook | undefined;
  /** Called each time that a connection is taken from the pool. */
  readonly onReserveConnection?: ConnectionHook | undefined;
}

const closeDeadline = 10_000;

/** Kysely's own driver, on our pool and our connections. */
export class PooledPostgresDriver extends PostgresDriver {
  readonly #pool: PostgresPool;
  readonly #clock: Clock;
  readonly #hooks: ConnectionHooks;
  readonly #known = new WeakSet<PostgresSession>();

  constructor(pool: PostgresPool, clock: Clock, hooks: ConnectionHooks) {
    super({ pool: () => Promise.reject(new Error('The pool of pg is not in use.')) });
    this.#pool = pool;
    this.#clock = clock;
    this.#hooks = hooks;
  }

  override async init(): Promise<void> {}

  override async acquireConnection(options?: Options): Promise<DatabaseConnection> {
    const session = await this.#takeSession(options?.signal);
    const lease = new PlainLease(new PostgresConnection(session, this.#pool, this.#clock));
    try {
      if (!this.#known.has(session)) await this.#hooks.onCreateConnection?.(lease, options);
      this.#known.add(session);
      await this.#hooks.onReserveConnection?.(lease, options);
    } catch (error) {
      await lease.release();
      throw error;
    }
    return lease;
  }

  async #takeSession(signal: AbortSignal | undefined): Promise<PostgresSession> {
    try {
      return this.#pool.tryAcquire() ?? (await this.#pool.acquire(signal));
    } catch (error) {
      // Kysely has told its caller of the abort already, and prints what comes behind it to the console.
      if (signal?.aborted === true) return new Promise<never>(() => {});
      throw error;
    }
  }

  override beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return leaseOf(connection).beginBy(() => super.beginTransaction(connection, settings), settings);
  }

  override commitTransaction(connection: DatabaseConnection): Promise<void> {
    const isRolledBack = (error: unknown) => error instanceof TransactionAbortedError;
    return leaseOf(connection).commitBy(() => super.commitTransaction(connection), isRolledBack);
  }

  override rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return leaseOf(connection).rollbackBy(() => super.rollbackTransaction(connection as never));
  }

  override releaseConnection(connection: DatabaseConnection): Promise<void> {
    return leaseOf(connection).release();
  }

  override destroy(): Promise<void> {
    return this.#pool.close(closeDeadline);
  }
}

function leaseOf(connection: DatabaseConnection): PlainLease {
  return connection as PlainLease;
}

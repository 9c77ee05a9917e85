import type { DatabaseConfig } from '../../config/database-config.ts';
import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import type { Clock } from '../../foundation/clock.ts';
import { ConnectionError, PoolClosedError } from '../../foundation/errors/connection-errors.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';
import { Semaphore } from '../../pool/semaphore.ts';
import type { EngineContext } from '../engine.ts';
import { PostgresClients } from './postgres-clients.ts';
import { connectTimeout, translateConnectError } from './postgres-connect-errors.ts';
import type { PostgresSession } from './postgres-session.ts';

/** What the server can be asked to do to a session. */
export type BackendSignal = 'pg_cancel_backend' | 'pg_terminate_backend';

/** The longest that idle connections may take to say goodbye, in ms. */
const goodbyeLimit = 1_000;

/**
 * Lends sessions, each to one caller at a time, in the order of asking. The waiting line, its deadline and
 * its length are the semaphore's; pg's pool behind it only connects, keeps and retires.
 */
export class PostgresPool {
  readonly #config: DatabaseConfig<'postgres', PostgresSettings>;
  readonly #clock: Clock;
  readonly #permits: Semaphore;
  readonly #clients: PostgresClients;
  #ended = false;
  #closing: Promise<void> | undefined;

  constructor(config: DatabaseConfig<'postgres', PostgresSettings>, context: EngineContext) {
    const { max, acquireTimeout, maxWaiting } = config.pool;
    this.#config = config;
    this.#clock = context.clock;
    this.#clients = new PostgresClients(config, context);
    this.#permits = new Semaphore({
      permits: max,
      acquireTimeout,
      maxWaiting,
      clock: context.clock,
      poolStats: () => this.stats(),
    });
  }

  /**
   * Lends a session, opening it where needed. Whoever gets one must `release` it once.
   *
   * @throws PoolTimeoutError where none becomes free in time, PoolClosedError once `close` was called
   * @throws ConnectionError where none can be opened, or not within what is left of the deadline
   */
  async acquire(signal?: AbortSignal): Promise<PostgresSession> {
    const start = this.#clock.monotonic();
    await this.#permits.acquire(signal);
    try {
      await this.#clients.open();
      if (this.#ended) throw closedError();
      return await this.#connect(this.#config.pool.acquireTimeout - (this.#clock.monotonic() - start));
    } catch (error) {
      this.#permits.release();
      throw this.#ended ? closedError() : translateConnectError(error, this.#config.connection);
    }
  }

  /** Takes a session back. */
  release(session: PostgresSession): void {
    this.#clients.release(session);
    this.#permits.release();
  }

  /**
   * Asks the server to cancel or end a session, over a connection beside the pool: all of it may be busy.
   *
   * @param isStillMeant asked when the connection stands: what was to be stopped may be over by then
   */
  async signalBackend(request: BackendSignal, processId: number, isStillMeant: () => boolean): Promise<void> {
    const { pool, connection } = this.#config;
    const session = await this.#clients.connectBeside().catch((error: unknown) => {
      throw translateConnectError(error, connection);
    });
    try {
      if (!isStillMeant()) return;
      await session.run({ text: `select ${request}($1)`, values: [processId], limit: pool.acquireTimeout });
    } finally {
      session.destroy(new Error('its work was done'));
    }
  }

  stats(): PoolStats {
    const { waiting, longestWait, timeouts } = this.#permits.stats();
    const { size, idle, created, retired } = this.#clients.stats();
    const { max } = this.#config.pool;
    return { size, busy: size - idle, idle, waiting, max, longestWait, created, retired, timeouts };
  }

  /** See `OpenEngine.close`. */
  close(deadline: number): Promise<void> {
    this.#closing ??= this.#drainAndEnd(deadline);
    return this.#closing;
  }

  async #drainAndEnd(deadline: number): Promise<void> {
    const start = this.#clock.monotonic();
    this.#permits.close();
    const drained = await this.#permits.drain(deadline);
    this.#ended = true;
    this.#clients.end();
    const left = deadline - (this.#clock.monotonic() - start);
    if (drained) await this.#within(Math.min(left, goodbyeLimit), this.#clients.allEnded());
    this.#clients.destroyAll(new ConnectionError('The provider was closed and its deadline has passed.'));
    await this.#clients.allEnded();
  }

  async #connect(timeout: number): Promise<PostgresSession> {
    const connecting = this.#clients.connect();
    const session = await this.#within(timeout, connecting);
    if (session !== undefined) return session;
    // Nobody waits for it any more; it serves the next caller, or its failure is theirs to meet.
    connecting.then(
      (late) => this.#clients.release(late),
      () => {},
    );
    throw connectTimeout(this.#config.connection, this.#config.pool.acquireTimeout);
  }

  /** Waits for work up to a limit in ms. @returns undefined where the limit came first */
  async #within<Result>(limit: number, work: Promise<Result>): Promise<Result | undefined> {
    let cancel = () => {};
    const timeout = new Promise<undefined>((resolve) => {
      cancel = this.#clock.schedule(Math.max(0, limit), () => resolve(undefined));
    });
    try {
      return await Promise.race([work, timeout]);
    } finally {
      cancel();
    }
  }
}

function closedError(): PoolClosedError {
  return new PoolClosedError('A connection was asked for after close() had begun.');
}

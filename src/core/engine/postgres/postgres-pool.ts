import type { DatabaseConfig } from '../../config/database-config.ts';
import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import type { Clock } from '../../foundation/clock.ts';
import { ConnectionError } from '../../foundation/errors/connection-errors.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';
import { isHolding } from '../../pool/holding.ts';
import { within } from '../../foundation/within.ts';
import { LeaseLedger } from '../../pool/lease-ledger.ts';
import { poolClosed } from '../../pool/pool-closed.ts';
import { Semaphore } from '../../pool/semaphore.ts';
import type { EngineContext } from '../engine.ts';
import { PostgresClients } from './postgres-clients.ts';
import { connectTimeout, translateConnectError } from './postgres-connect-errors.ts';
import type { PostgresSession } from './postgres-session.ts';
import { SessionHandoff } from './session-handoff.ts';
import { cleanUpSession } from './postgres-session-setup.ts';
import { providerStyle, type SessionStyle } from './session-style.ts';
import type { StatementCatalog } from './statement-catalog.ts';

/** The longest that idle connections may take to say goodbye, in ms. */
const goodbyeLimit = 1_000;

/** A session that has lain idle for longer than this, in ms, is asked whether it is still there. */
const trustedIdleTime = 30_000;
/** How long it may take to say so, or to be made clean, in ms. */
const validationLimit = 500;

/**
 * Lends sessions, each to one caller at a time, in the order of asking. The waiting line, its deadline and
 * its length are the semaphore's; who holds a session is in the ledger.
 */
export class PostgresPool {
  /** How its sessions behave. */
  readonly style: SessionStyle;
  readonly #config: DatabaseConfig<'postgres', PostgresSettings>;
  readonly #clock: Clock;
  readonly #permits: Semaphore;
  readonly #ledger: LeaseLedger;
  readonly #clients: PostgresClients;
  readonly #handoff: SessionHandoff;
  #state: PoolStats['state'] = 'running';
  #isFilling = false;
  #acquired = 0;
  #closing: Promise<void> | undefined;

  /** @param style in what it differs from the pool of a provider, where it does */
  constructor(
    config: DatabaseConfig<'postgres', PostgresSettings>,
    context: EngineContext,
    style: SessionStyle = providerStyle,
  ) {
    const { max, acquireTimeout, maxWaiting, leakThreshold } = config.pool;
    const { clock, onPoolEvent } = context;
    this.style = style;
    this.#config = config;
    this.#clock = clock;
    this.#clients = new PostgresClients(config, context, style, () => this.#fill());
    this.#handoff = new SessionHandoff(clock, {
      open: () => this.#clients.open(),
      keep: (session) => this.#putBack(session),
    });
    this.#ledger = new LeaseLedger({ leakThreshold, ...context });
    this.#permits = new Semaphore({
      permits: max,
      acquireTimeout,
      maxWaiting,
      clock,
      onPoolEvent,
      poolStats: () => this.stats(),
    });
  }

  /** What the sessions know of the statements. */
  get catalog(): StatementCatalog {
    return this.#clients.catalog;
  }

  /** Whether the server's process of that number serves one of the sessions; behind a pooler none does. */
  hasBackend(processId: number): boolean {
    return this.#clients.hasBackend(processId);
  }

  /** Those that are open, busy or idle. */
  get sessions(): readonly PostgresSession[] {
    return this.#clients.sessions;
  }

  /** How many callers wait for a session. */
  get waiting(): number {
    return this.#permits.waiting;
  }

  /** Whether the running work holds a session already, and might wait for itself. */
  get isHeldByCaller(): boolean {
    return isHolding(this.#permits);
  }

  /** The longest wait for a session, in ms. */
  get acquireTimeout(): number {
    return this.#config.pool.acquireTimeout;
  }

  /**
   * Lends an idle session at once, where there is one and nobody waits. Whoever gets one must `release` it once.
   *
   * @param isShared as for `acquire`
   * @returns undefined where `acquire` would have to wait or to connect
   */
  tryAcquire(isShared = false): PostgresSession | undefined {
    if (!this.#permits.tryAcquire()) return undefined;
    const session = this.#clients.takeIdle(trustedIdleTime);
    if (session === undefined) this.#permits.release();
    else this.#lend(session, isShared);
    return session;
  }

  /**
   * Lends a session, opening it where needed. Whoever gets one must `release` it once.
   *
   * @param isShared whether it serves many callers, so that no single one of them holds it
   * @throws PoolTimeoutError where none becomes free in time, PoolClosedError once `close` was called
   * @throws NestedAcquireError where it would wait for a session inside of work that holds one
   * @throws ConnectionError where none can be opened, or not within what is left of the deadline
   */
  async acquire(signal?: AbortSignal, isShared = false): Promise<PostgresSession> {
    const start = this.#clock.monotonic();
    await this.#permits.acquire(signal);
    try {
      const session = await this.#takeOrOpen(start + this.#config.pool.acquireTimeout, signal);
      if (this.#state === 'closed' || signal?.aborted === true) {
        this.#putBack(session);
        throw poolClosed();
      }
      this.#lend(session, isShared, start);
      return session;
    } catch (error) {
      this.#permits.release();
      if (signal?.aborted === true) throw signal.reason;
      throw this.#state === 'closed' ? poolClosed() : translateConnectError(error, this.#config.connection);
    }
  }

  /** Takes a session back. One that raw SQL may have changed is made clean before the next caller has it. */
  release(session: PostgresSession): void {
    const { holding } = session;
    if (holding !== undefined) {
      session.holding = undefined;
      this.#ledger.takeBack(holding);
    }
    if (session.isTouched && session.isClean && this.style.cleansUp) {
      void this.#cleanUp(session);
      return;
    }
    this.#putBack(session);
    this.#permits.release();
  }

  /**
   * Opens a session beside the pool, of which all may be busy, and closes it behind the work.
   *
   * @param limit the longest that connecting may take, in ms
   * @param work is given the session and what is left of the limit, in ms; at least 1
   * @throws ConnectionError where none can be opened; and what the work throws
   */
  async withSessionBeside<Result>(
    limit: number,
    work: (session: PostgresSession, left: number) => Promise<Result>,
  ): Promise<Result> {
    const { connection } = this.#config;
    const start = this.#clock.monotonic();
    const opening = this.#clients.openBeside();
    const session = await within(this.#clock, limit, opening).catch((error: unknown) => {
      throw translateConnectError(error, connection);
    });
    if (session === undefined) {
      opening.then(closeBeside, () => {});
      throw connectTimeout(connection, limit);
    }
    try {
      return await work(session, Math.max(1, limit - (this.#clock.monotonic() - start)));
    } finally {
      closeBeside(session);
    }
  }

  stats(): PoolStats {
    const { waiting, longestWait, waits, timeouts } = this.#permits.stats();
    const { size: known, idle, created, retired } = this.#clients.stats();
    const size = known - this.#handoff.surplus;
    const { max } = this.#config.pool;
    return {
      state: this.#state,
      size,
      busy: size - idle,
      idle,
      waiting,
      max,
      longestWait,
      waits,
      ...this.#ledger.stats(),
      ...this.#ledger.totals(),
      created,
      retired,
      timeouts,
      acquired: this.#acquired,
    };
  }

  /** See `OpenEngine.close`. */
  close(deadline: number): Promise<void> {
    this.#closing ??= this.#drainAndEnd(deadline);
    return this.#closing;
  }

  async #drainAndEnd(deadline: number): Promise<void> {
    const start = this.#clock.monotonic();
    this.#state = 'draining';
    this.#permits.close();
    const drained = await this.#permits.drain(deadline);
    this.#state = 'closed';
    this.#clients.end();
    const left = deadline - (this.#clock.monotonic() - start);
    if (drained) await within(this.#clock, Math.min(left, goodbyeLimit), this.#clients.allEnded());
    this.#clients.destroyAll(new ConnectionError('The provider was closed and its deadline has passed.'));
    await this.#clients.allEnded();
  }

  #lend(session: PostgresSession, isShared: boolean, askedAt?: number): void {
    this.#acquired += 1;
    if (!isShared) session.holding = this.#ledger.lend(this.#permits, askedAt);
  }

  /** @param deadline on the monotonic clock */
  async #takeOrOpen(deadline: number, signal: AbortSignal | undefined): Promise<PostgresSession> {
    await this.#clients.load();
    const trusted = this.#clients.takeIdle(trustedIdleTime);
    if (trusted !== undefined) return trusted;
    const idle = this.#clients.takeIdle();
    if (idle !== undefined) {
      if (await isAlive(idle, Math.min(validationLimit, this.#leftUntil(deadline)))) return idle;
      // Where one does not answer the others may not either, and to ask them all would use up the deadline.
      this.#clients.discard(idle);
    }
    const session = await this.#handoff.take(deadline - this.#clock.monotonic(), signal);
    if (session === undefined) {
      throw connectTimeout(this.#config.connection, this.#config.pool.acquireTimeout);
    }
    this.#fill();
    return session;
  }

  #leftUntil(deadline: number): number {
    return Math.max(1, deadline - this.#clock.monotonic());
  }

  /** Keeps a session for the next, who may be waiting for one already. */
  #putBack(session: PostgresSession): void {
    this.#clients.putBack(session);
    if (!this.#handoff.isAwaited) return;
    const idle = this.#clients.takeIdle(trustedIdleTime);
    if (idle !== undefined) this.#handoff.give(idle);
  }

  async #cleanUp(session: PostgresSession): Promise<void> {
    try {
      await cleanUpSession(session, this.#config, validationLimit);
      session.isTouched = false;
      this.#putBack(session);
    } catch {
      this.#clients.discard(session);
    } finally {
      this.#permits.release();
    }
  }

  /** Opens sessions up to `pool.min`, one after the other, once somebody has used the pool. */
  #fill(): void {
    if (this.#isFilling || this.#state !== 'running') return;
    if (this.#clients.stats().size >= this.#config.pool.min || !this.#permits.tryAcquire()) return;
    this.#isFilling = true;
    this.#clients.open().then(
      (session) => {
        this.#endFilling();
        this.#putBack(session);
        this.#fill();
      },
      // The next caller hears why, and the next session that is opened or retired brings us here again.
      () => this.#endFilling(),
    );
  }

  #endFilling(): void {
    this.#isFilling = false;
    this.#permits.release();
  }
}

async function isAlive(session: PostgresSession, limit: number): Promise<boolean> {
  try {
    await session.run({ text: '', limit });
    return true;
  } catch {
    return false;
  }
}

function closeBeside(session: PostgresSession): void {
  session.destroy(new Error('its work was done'));
}

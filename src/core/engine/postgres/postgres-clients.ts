import type { DatabaseConfig } from '../../config/database-config.ts';
import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import type { RetirementReason } from '../../foundation/pool-event.ts';
import type { EngineContext } from '../engine.ts';
import { IdleSessions } from './idle-sessions.ts';
import { postgresClientOptions, type PostgresClientOptions } from './postgres-client-options.ts';
import { translatePostgresError } from './postgres-errors.ts';
import { loadPg, type PgPackage } from './postgres-package.ts';
import { PostgresSession, type ResultCodecs } from './postgres-session.ts';
import { requireScram } from './require-scram.ts';
import type { SessionStyle } from './session-style.ts';
import { StatementCatalog } from './statement-catalog.ts';

/** What every session is made of. */
interface Workshop {
  readonly pg: PgPackage;
  readonly options: PostgresClientOptions;
  readonly codecs: ResultCodecs;
}

/** What is counted of the clients. */
export interface PostgresClientStats {
  readonly size: number;
  readonly idle: number;
  readonly created: number;
  readonly retired: number;
}

/** A lifetime is up to a tenth longer or shorter, so that sessions of one age do not all end at once. */
const lifetimeJitter = 0.1;

/**
 * The sessions of a pool from their birth to their end: it opens them, keeps the idle ones, and closes what is
 * lost, unclean or old. It knows no deadlines and no waiting line. The settings of pg do not leave this class:
 * they hold the password.
 */
export class PostgresClients {
  /** What the sessions know of the statements. */
  readonly catalog: StatementCatalog;
  readonly #config: DatabaseConfig<'postgres', PostgresSettings>;
  readonly #context: EngineContext;
  readonly #style: SessionStyle;
  readonly #onRetired: () => void;
  readonly #sessions = new Set<PostgresSession>();
  readonly #beside = new Set<PostgresSession>();
  readonly #ending = new Set<PostgresSession>();
  readonly #idle: IdleSessions;
  #workshop: Promise<Workshop> | undefined;
  #hasEnded = false;
  #created = 0;
  #retired = 0;

  /** @param onRetired called behind the end of each session that was in the pool */
  constructor(
    config: DatabaseConfig<'postgres', PostgresSettings>,
    context: EngineContext,
    style: SessionStyle,
    onRetired: () => void,
  ) {
    this.#config = config;
    this.#context = context;
    this.#style = style;
    this.#onRetired = onRetired;
    this.catalog = new StatementCatalog(config.connection.prepare, () =>
      context.logger.warn(
        {},
        'Postgres has forgotten prepared statements again and again, as behind a pooler; they are no longer used. Set connection.prepare to "off".',
      ),
    );
    this.#idle = new IdleSessions({
      idleTimeout: config.pool.idleTimeout,
      mayShrink: () => this.#sessions.size > config.pool.min,
      clock: context.clock,
      retire: (session, reason) => this.#retire(session, reason),
    });
  }

  /**
   * Takes the idle session that was used last.
   *
   * @param longest how long it may have been idle, in ms
   * @returns undefined where there is none
   */
  takeIdle(longest = Number.POSITIVE_INFINITY): PostgresSession | undefined {
    for (;;) {
      const session = this.#idle.pop(longest);
      if (session === undefined) return undefined;
      if (session.isLost) this.#retireLostIdle(session);
      else if (session.expiresAt > this.#context.clock.monotonic()) return session;
      else this.#retire(session, 'lifetime');
    }
  }

  /** Loads pg; connects nothing. @throws ConfigurationError where pg is not installed */
  async load(): Promise<void> {
    await this.#open();
  }

  /** Opens a session for the pool. @throws what pg throws, or ConfigurationError for an old server */
  async open(): Promise<PostgresSession> {
    const session = await this.#createSession(this.#sessions);
    try {
      await session.connect();
      await this.#style.setUp(session, this.#config, this.#config.pool.acquireTimeout);
    } catch (error) {
      this.#sessions.delete(session);
      session.destroy(error as Error);
      throw error;
    }
    this.#created += 1;
    this.#context.onPoolEvent({ type: 'created' });
    void session.ended.then(() => this.#forget(session));
    return session;
  }

  /** Opens a session beside the pool; `destroy` it after use. */
  async openBeside(): Promise<PostgresSession> {
    const session = await this.#createSession(this.#beside);
    void session.ended.then(() => this.#beside.delete(session));
    await session.connect();
    return session;
  }

  /** Keeps a session for the next caller. One that is lost, inside a transaction or old is closed instead. */
  putBack(session: PostgresSession): void {
    if (this.#hasEnded) this.#retire(session, 'closed');
    else if (session.isLost) this.#retire(session, 'lost');
    else if (!session.isClean) this.#retire(session, 'unclean');
    else if (session.expiresAt <= this.#context.clock.monotonic()) this.#retire(session, 'lifetime');
    else this.#idle.push(session);
  }

  /** Closes a session that must not be lent again. */
  discard(session: PostgresSession): void {
    this.#retire(session, session.isLost ? 'lost' : 'unclean');
  }

  /** Closes what is idle now, and each of the others when it comes back. */
  end(): void {
    this.#hasEnded = true;
    for (const session of this.#idle.clear()) this.#retire(session, 'closed');
  }

  /** Resolves when every socket is closed that is open now. Never rejects. */
  async allEnded(): Promise<void> {
    const all = [...this.#sessions, ...this.#ending, ...this.#beside];
    await Promise.all(all.map(({ ended }) => ended));
  }

  /** Cuts every connection at once. */
  destroyAll(reason: Error): void {
    for (const session of [...this.#sessions, ...this.#ending, ...this.#beside]) session.destroy(reason);
  }

  /** Whether the server's process of that number serves one of the sessions. */
  hasBackend(processId: number): boolean {
    return this.sessions.some((session) => session.processId === processId);
  }

  /** Those of the pool. */
  get sessions(): readonly PostgresSession[] {
    return [...this.#sessions];
  }

  stats(): PostgresClientStats {
    return {
      size: this.#sessions.size,
      idle: this.#idle.count,
      created: this.#created,
      retired: this.#retired,
    };
  }

  #open(): Promise<Workshop> {
    this.#workshop ??= this.#equip().catch((error: unknown) => {
      this.#workshop = undefined;
      throw error;
    });
    return this.#workshop;
  }

  async #equip(): Promise<Workshop> {
    const pg = await loadPg();
    const codecs = this.#style.createCodecs(pg.types);
    return { pg, codecs, options: postgresClientOptions(this.#config, codecs.types) };
  }

  async #createSession(home: Set<PostgresSession>): Promise<PostgresSession> {
    const { pg, options, codecs } = await this.#open();
    const { clock } = this.#context;
    const client = new pg.Client(options);
    if (this.#config.connection.scram === 'required') requireScram(client);
    const session = new PostgresSession(client, {
      statementTimeout: this.#config.statementTimeout,
      codecs,
      prepareValue: pg.utils.prepareValue,
      translate: this.#style.translate,
      catalog: this.catalog,
      clock,
      expiresAt: clock.monotonic() + jitter(this.#config.pool.maxLifetime),
    });
    home.add(session);
    return session;
  }

  #retire(session: PostgresSession, reason: RetirementReason): void {
    if (!this.#sessions.delete(session)) return;
    this.#retired += 1;
    this.#ending.add(session);
    void session.ended.then(() => this.#ending.delete(session));
    if (reason === 'unclean' || reason === 'lost') session.destroy(new Error(`the connection was ${reason}`));
    else session.sayGoodbye();
    this.#context.onPoolEvent({ type: 'retired', reason });
    this.#onRetired();
  }

  // It ended by itself. One that is lent is counted when it comes back, since its holder has to hear first.
  #forget(session: PostgresSession): void {
    if (this.#idle.remove(session)) this.#retireLostIdle(session);
  }

  #retireLostIdle(session: PostgresSession): void {
    const { message } = translatePostgresError(session.loss);
    this.#context.logger.warn({ reason: message }, 'an idle connection to Postgres was lost');
    this.#retire(session, 'lost');
  }
}

function jitter(lifetime: number): number {
  if (lifetime === 0) return Number.POSITIVE_INFINITY;
  return lifetime * (1 - lifetimeJitter + 2 * lifetimeJitter * Math.random());
}

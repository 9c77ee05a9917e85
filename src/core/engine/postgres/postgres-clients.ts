import type { Client, ClientConfig, Pool, PoolClient } from 'pg';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import type { EngineContext } from '../engine.ts';
import { PostgresCodecs } from './postgres-codecs.ts';
import { translatePostgresError } from './postgres-errors.ts';
import { loadPg, type PgPackage } from './postgres-package.ts';
import { postgresPoolOptions } from './postgres-pool-options.ts';
import { setUpSession } from './postgres-session-setup.ts';
import { PostgresSession } from './postgres-session.ts';

/** pg's pool and what it was made of. */
interface OpenPool {
  readonly pg: PgPackage;
  readonly pool: Pool;
  readonly options: ClientConfig;
  readonly codecs: PostgresCodecs;
}

/** What is counted of the clients. */
export interface PostgresClientStats {
  readonly size: number;
  readonly idle: number;
  readonly created: number;
  readonly retired: number;
}

/**
 * pg's pool, and a session for each of its clients from its birth to its end. It knows no deadlines and no
 * waiting line. Neither pg's pool nor its options leave this class: they hold the password.
 */
export class PostgresClients {
  readonly #config: DatabaseConfig<'postgres', PostgresSettings>;
  readonly #context: EngineContext;
  readonly #sessions = new Map<object, PostgresSession>();
  #opening: Promise<OpenPool> | undefined;
  #pool: Pool | undefined;
  #created = 0;
  #retired = 0;

  constructor(config: DatabaseConfig<'postgres', PostgresSettings>, context: EngineContext) {
    this.#config = config;
    this.#context = context;
  }

  /** Loads pg and makes its pool; connects nothing. @throws ConfigurationError where pg is not installed */
  async open(): Promise<void> {
    await this.#open();
  }

  /** Takes an idle client or opens one. @throws what pg throws, or ConfigurationError for an old server */
  async connect(): Promise<PostgresSession> {
    const { pool } = await this.#open();
    return this.#sessionOf(await pool.connect());
  }

  /** Opens a client beside the pool; `destroy` its session after use. */
  async connectBeside(): Promise<PostgresSession> {
    const { pg, options, codecs } = await this.#open();
    const client = new pg.Client(options);
    const session = this.#track(client, codecs);
    await client.connect();
    return session;
  }

  /** Gives a client back. One that is lost or inside a transaction is closed, and never lent again. */
  release(session: PostgresSession): void {
    (session.client as PoolClient).release(!session.isClean);
  }

  /** Closes what is idle now and each of the others when it is released. */
  end(): void {
    // Not awaited: it waits without an end for clients that nobody gives back.
    void this.#pool?.end();
  }

  /** Resolves when every socket is closed that is open now. Never rejects. */
  async allEnded(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.ended));
  }

  /** Cuts every connection at once. */
  destroyAll(reason: Error): void {
    for (const session of this.#sessions.values()) session.destroy(reason);
  }

  stats(): PostgresClientStats {
    const { totalCount: size = 0, idleCount: idle = 0 } = this.#pool ?? {};
    return { size, idle, created: this.#created, retired: this.#retired };
  }

  #open(): Promise<OpenPool> {
    this.#opening ??= this.#createPool().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #createPool(): Promise<OpenPool> {
    const pg = await loadPg();
    const codecs = new PostgresCodecs(pg.types);
    const options = postgresPoolOptions(this.#config, codecs.types);
    const track = (client: Client) => this.#track(client, codecs);
    // pg's pool awaits it, although its types say that nothing comes back.
    const setUp: (client: object) => unknown = (client) =>
      setUpSession(this.#sessionOf(client), this.#config, this.#config.pool.acquireTimeout);
    const pool = new pg.Pool({
      ...options,
      // Heard from its birth: an error event without a listener ends the process.
      Client: class extends pg.Client {
        constructor(clientConfig?: ClientConfig) {
          super(clientConfig);
          track(this);
        }
      },
      onConnect: setUp,
    });
    pool.on('error', (error) => this.#reportLostIdle(error));
    pool.on('connect', () => {
      this.#created += 1;
    });
    pool.on('remove', () => {
      this.#retired += 1;
    });
    this.#pool = pool;
    return { pg, pool, options, codecs };
  }

  #track(client: Client, codecs: PostgresCodecs): PostgresSession {
    const { statementTimeout } = this.#config;
    const session = new PostgresSession(client, { statementTimeout, codecs, clock: this.#context.clock });
    this.#sessions.set(client, session);
    void session.ended.then(() => this.#sessions.delete(client));
    return session;
  }

  #sessionOf(client: object): PostgresSession {
    return this.#sessions.get(client) as PostgresSession;
  }

  // The error itself carries the client, and with it the settings.
  #reportLostIdle(error: unknown): void {
    const { message } = translatePostgresError(error);
    this.#context.logger.warn({ reason: message }, 'an idle connection to Postgres was lost');
  }
}

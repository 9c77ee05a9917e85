/** A connection of its own for a copy: COPY needs pg's own queue, which the sessions of the pool do without. */
import type { Client, QueryResultRow, Submittable } from 'pg';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import { plainSettings } from './plain-settings.ts';
import { postgresClientOptions } from './postgres-client-options.ts';
import { translatePostgresError } from './postgres-errors.ts';
import { loadPg } from './postgres-package.ts';
import { requireScram } from './require-scram.ts';

const settings = Object.entries(plainSettings).map(([name, value]) => `set ${name} = '${value}'`);

/** A connection that belongs to a copy alone. Only errors of this library leave it. */
export class PostgresTransferClient {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
    // Whoever waits for a statement hears of a connection that is lost; nobody else has to.
    client.on('error', () => undefined);
  }

  /**
   * Connects. A copy takes its time, so statements have no limit; a lock is waited for as configured. Nobody waits for
   * the disk behind a portion: where the server crashes, the last ones are lost together with what was noted of them.
   */
  static async connect(
    config: DatabaseConfig<'postgres', PostgresSettings>,
  ): Promise<PostgresTransferClient> {
    const { Client: PgClient, types } = await loadPg();
    const client = new PgClient(postgresClientOptions(config, types));
    if (config.connection.scram === 'required') requireScram(client);
    const made = new PostgresTransferClient(client);
    try {
      await client.connect();
      await client.query(
        `set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set client_encoding = 'UTF8';
         set lock_timeout = ${Math.max(1, config.lockTimeout)}; set synchronous_commit = off;
         set standard_conforming_strings = on; ${settings.join('; ')}`,
      );
      return made;
    } catch (error) {
      await made.close();
      throw translatePostgresError(error);
    }
  }

  /** Runs a statement, or several that have no parameters. */
  async query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    return this.translating(async () => {
      const { rows } = await this.#client.query<Row>(text, values);
      return rows;
    });
  }

  /** Runs a COPY. */
  submit<Copy extends Submittable>(copy: Copy): Copy {
    this.#client.query(copy);
    return copy;
  }

  /** Runs work in a transaction. */
  async transaction<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.query('begin');
    try {
      const result = await work();
      await this.query('commit');
      return result;
    } catch (error) {
      // What the work met is what counts; a connection that is lost has rolled back.
      await this.query('rollback').catch(() => undefined);
      throw error;
    }
  }

  async translating<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw translatePostgresError(error);
    }
  }

  /** Ends it, whatever is under way. */
  async close(): Promise<void> {
    const { stream } = this.#client.connection as unknown as { readonly stream: { destroy(): void } };
    const ended = this.#client.end().catch(() => undefined);
    stream.destroy();
    await ended;
  }
}

import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely';
import { timeWait, type StatementTiming } from '../../foundation/statement-timing.ts';
import type { Lease } from '../lease.ts';
import type { StatementOptions } from '../statement-options.ts';
import { isUnheard } from './after-abort.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { traitsOf } from './statement-traits.ts';
import type { WritePosition } from './write-position.ts';

/** Where the connections of a lease come from. */
export interface ConnectionSource {
  openOnPrimary(): Promise<PostgresConnection>;
  /** On a replica, or on the primary where none is ready. */
  openForReading(): Promise<PostgresConnection>;
}

/**
 * A lease whose connection is taken when it is known what for: a read-only transaction has one on a replica,
 * everything else one on the primary.
 */
export class ReplicatedLease implements Lease {
  readonly #source: ConnectionSource;
  readonly #position: WritePosition;
  #primary: Promise<PostgresConnection> | undefined;
  /** In a read-only transaction. */
  #reading: PostgresConnection | undefined;

  constructor(source: ConnectionSource, position: WritePosition) {
    this.#source = source;
    this.#position = position;
  }

  async begin(settings: TransactionSettings): Promise<void> {
    // A replica refuses to run a serializable transaction.
    const mayGoElsewhere = settings.accessMode === 'read only' && settings.isolationLevel !== 'serializable';
    if (mayGoElsewhere && this.#primary === undefined) this.#reading = await this.#source.openForReading();
    await (this.#reading ?? (await this.#openPrimary())).begin(settings);
  }

  async commit(): Promise<void> {
    if (this.#reading !== undefined) return this.#endReading(this.#reading, (lease) => lease.commit());
    try {
      await (await this.#openPrimary()).commit();
    } finally {
      this.#position.noteWrite();
    }
  }

  async rollback(): Promise<void> {
    if (this.#reading !== undefined) return this.#endReading(this.#reading, (lease) => lease.rollback());
    await (await this.#openPrimary()).rollback();
  }

  async executeQuery<Row>(query: CompiledQuery, options?: StatementOptions): Promise<QueryResult<Row>> {
    if (this.#reading !== undefined) return this.#reading.executeQuery<Row>(query, options);
    try {
      const primary = await this.#openPrimary(options?.timing);
      return await primary.executeQuery<Row>(query, options);
    } catch (error) {
      if (isUnheard(options)) return { rows: [] };
      throw error;
    } finally {
      if (!traitsOf(query).isRead) this.#position.noteWrite();
    }
  }

  async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options?: StatementOptions,
  ): AsyncIterableIterator<QueryResult<Row>> {
    try {
      const connection = this.#reading ?? (await this.#openPrimary(options?.timing));
      yield* connection.streamQuery<Row>(query, chunkSize, options);
    } catch (error) {
      if (!isUnheard(options)) throw error;
    } finally {
      if (!traitsOf(query).isRead) this.#position.noteWrite();
    }
  }

  async cancelQuery(): Promise<void> {
    await (await this.#findConnection())?.cancelQuery();
  }

  async killSession(): Promise<void> {
    await (await this.#findConnection())?.killSession();
  }

  async release(): Promise<void> {
    await this.#reading?.release();
    const primary = await this.#primary?.catch(() => undefined);
    await primary?.release();
  }

  /** The connection that something may be running on. */
  async #findConnection(): Promise<PostgresConnection | undefined> {
    return this.#reading ?? this.#primary?.catch(() => undefined);
  }

  #openPrimary(timing?: StatementTiming): Promise<PostgresConnection> {
    this.#primary ??= timeWait(timing, () => this.#source.openOnPrimary()).catch((error: unknown) => {
      this.#primary = undefined;
      throw error;
    });
    return this.#primary;
  }

  async #endReading(
    connection: PostgresConnection,
    end: (connection: PostgresConnection) => Promise<void>,
  ): Promise<void> {
    try {
      await end(connection);
    } finally {
      this.#reading = undefined;
      await connection.release();
    }
  }
}

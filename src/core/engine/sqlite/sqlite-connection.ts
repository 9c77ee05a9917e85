import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely';
import { TransactionClosedError } from '../../foundation/errors/transaction-errors.ts';
import type { Lease } from '../leasing-driver.ts';
import { bindParameters } from './sqlite-parameters.ts';
import { requireSafeIntegers } from './sqlite-integers.ts';
import type { SqliteLane } from './sqlite-lane.ts';

/** The lane, lent once. After `release` the lease is dead, so that nothing runs in somebody else's turn. */
export class SqliteConnection implements Lease {
  readonly #lane: SqliteLane;
  #readOnly = false;
  #released = false;

  constructor(lane: SqliteLane) {
    this.#lane = lane;
  }

  /**
   * Write transactions begin IMMEDIATE: one that takes the write lock later fails at once when another
   * process has written since its first read. Every isolation level runs as `serializable`, which is what
   * SQLite has.
   */
  async begin({ accessMode }: TransactionSettings): Promise<void> {
    this.#requireLease();
    const readOnly = accessMode === 'read only';
    this.#readOnly = readOnly;
    // A transaction that is only declared read-only would write without a word.
    if (readOnly) await this.#run('pragma query_only = on');
    await this.#run(readOnly ? 'begin' : 'begin immediate');
  }

  async commit(): Promise<void> {
    this.#requireLease();
    await this.#run('commit');
    await this.#allowWrites();
  }

  async rollback(): Promise<void> {
    // A full disk, among others, has rolled the transaction back already; a second ROLLBACK would fail.
    if (this.#lane.inTransaction) await this.#run('rollback');
    await this.#allowWrites();
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    this.#requireLease();
    const parameters = bindParameters(query.parameters);
    return this.#lane.waitForLock(() => {
      const statement = this.#lane.prepare(query.sql);
      if (!statement.reader) {
        const { changes, lastInsertRowid } = statement.run(...parameters);
        return { numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid), rows: [] };
      }
      const rows = statement.all(...parameters);
      requireSafeIntegers(rows, statement, parameters);
      return statement.readonly
        ? { rows: rows as Row[] }
        : { rows: rows as Row[], numAffectedRows: BigInt(rows.length) };
    });
  }

  // Read whole before the first chunk is given out: SQLite refuses writes beside an open iterator of
  // the same connection.
  async *streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    const { rows } = await this.executeQuery<Row>(query);
    for (let start = 0; start < rows.length; start += chunkSize) {
      yield { rows: rows.slice(start, start + chunkSize) };
    }
  }

  /** Gives the lane back, clean: a transaction that was left open is rolled back. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    try {
      // Only where there is something to clean: Kysely does not wait for a release after a stream.
      if (this.#readOnly || this.#lane.inTransaction) await this.rollback();
    } finally {
      this.#lane.release();
    }
  }

  async #allowWrites(): Promise<void> {
    if (!this.#readOnly || !this.#lane.isOpen) return;
    await this.#run('pragma query_only = off');
    this.#readOnly = false;
  }

  async #run(statementText: string): Promise<void> {
    await this.#lane.waitForLock(() => {
      const statement = this.#lane.prepare(statementText);
      return statement.reader ? statement.all() : statement.run();
    });
  }

  #requireLease(): void {
    if (!this.#released) return;
    throw new TransactionClosedError(
      'A query came after its connection was given back. Await every query inside of the work function, and do not keep its handle.',
    );
  }
}

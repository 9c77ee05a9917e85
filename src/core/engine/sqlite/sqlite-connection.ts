import type { Statement } from 'better-sqlite3';
import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely';
import { TransactionAbortedError } from '../../foundation/errors/transaction-errors.ts';
import type { Lease } from '../lease.ts';
import { bindParameters } from './sqlite-parameters.ts';
import { requireSafeIntegers } from './sqlite-integers.ts';
import type { SqliteLane } from './sqlite-lane.ts';
import { withoutValues } from './sqlite-step-error.ts';

/** The lane, lent once. Between BEGIN and its end, nothing runs that the transaction does not hold. */
export class SqliteConnection implements Lease {
  readonly #lane: SqliteLane;
  #readOnly = false;
  #begun = false;

  constructor(lane: SqliteLane) {
    this.#lane = lane;
  }

  /**
   * Write transactions begin IMMEDIATE: one that takes the write lock later fails at once when another
   * process has written since its first read. Every isolation level runs as `serializable`, which is what
   * SQLite has.
   */
  async begin({ accessMode }: TransactionSettings): Promise<void> {
    const readOnly = accessMode === 'read only';
    this.#readOnly = readOnly;
    // A transaction that is only declared read-only would write without a word.
    if (readOnly) await this.#run('pragma query_only = on');
    await this.#run(readOnly ? 'begin' : 'begin immediate');
    this.#begun = true;
  }

  /** @throws TransactionAbortedError where SQLite has rolled back before */
  async commit(): Promise<void> {
    if (this.#isLost) {
      await this.rollback();
      throw markAborted(lostError());
    }
    await this.#run('commit');
    this.#begun = false;
    await this.#allowWrites();
  }

  async rollback(): Promise<void> {
    // A full disk, among others, has rolled the transaction back already; a second ROLLBACK would fail.
    if (this.#lane.inTransaction) await this.#run('rollback');
    this.#begun = false;
    await this.#allowWrites();
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const parameters = bindParameters(query.parameters);
    return this.#lane.waitForLock(() => {
      if (this.#isLost) throw lostError();
      const statement = this.#lane.prepare(query.sql);
      try {
        return runStatement<Row>(statement, parameters);
      } catch (error) {
        throw withoutValues(error);
      }
    });
  }

  // Read whole before the first chunk is given out: SQLite refuses writes beside an open iterator of
  // the same connection.
  async *streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    const { rows } = await this.executeQuery<Row>(query);
    for (let start = 0; start < rows.length; start += chunkSize) {
      await this.#lane.giveWay();
      yield { rows: rows.slice(start, start + chunkSize) };
    }
  }

  /** Gives the lane back, clean: a transaction that was left open is rolled back. */
  async release(): Promise<void> {
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

  /** Whether the transaction is gone without having been ended. */
  get #isLost(): boolean {
    return this.#begun && this.#lane.isOpen && !this.#lane.inTransaction;
  }
}

function runStatement<Row>(
  statement: Statement<unknown[], Record<string, unknown>>,
  parameters: readonly unknown[],
): QueryResult<Row> {
  if (!statement.reader) {
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid), rows: [] };
  }
  const rows = statement.all(...parameters);
  requireSafeIntegers(rows, statement, parameters);
  return statement.readonly
    ? { rows: rows as Row[] }
    : { rows: rows as Row[], numAffectedRows: BigInt(rows.length) };
}

function lostError(): TransactionAbortedError {
  return new TransactionAbortedError(
    'A statement or COMMIT came, but its transaction is gone: SQLite rolled it back when a statement of it failed, or a statement of it ended it. Let the first error end the transaction.',
  );
}

/** By this mark Kysely knows that nothing is left to roll back, and lets go of the connection. */
function markAborted(error: TransactionAbortedError): TransactionAbortedError {
  return Object.defineProperty(error, Symbol.for('kysely.AbortedTransactionError'), { value: true });
}

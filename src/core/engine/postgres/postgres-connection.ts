import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely';
import { CommitOutcomeUnknownError, ConnectionError } from '../../foundation/errors/connection-errors.ts';
import {
  TransactionAbortedError,
  TransactionClosedError,
} from '../../foundation/errors/transaction-errors.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Lease } from '../lease.ts';
import { checkParameters } from './postgres-codecs.ts';
import { readsOnly, streamByCursor } from './postgres-cursor.ts';
import type { BackendSignal, PostgresPool } from './postgres-pool.ts';
import type { PostgresSession, SessionResult, SessionStatement } from './postgres-session.ts';

/** A rollback needs no time; where its answer does not come, the server is out of reach and rolls back itself. */
const rollbackLimit = 5_000;

/**
 * A session, lent once. Statements run one after the other, and COMMIT and ROLLBACK behind them; what comes
 * later is kept away by the guard around the lease. After `release` the lease is dead.
 */
export class PostgresConnection implements Lease {
  readonly session: PostgresSession;
  readonly #pool: Pick<PostgresPool, 'release' | 'signalBackend'>;
  #running: Promise<void> | undefined;
  #signalling: Promise<void> | undefined;
  #released = false;

  /** @param pool where it was lent from, and who can reach the server while the session is busy */
  constructor(session: PostgresSession, pool: Pick<PostgresPool, 'release' | 'signalBackend'>) {
    this.session = session;
    this.#pool = pool;
  }

  async begin({ isolationLevel, accessMode }: TransactionSettings): Promise<void> {
    if (isolationLevel === 'snapshot') {
      throw new ValidationError(
        'Postgres has no isolation level "snapshot". Use "repeatable read", which reads one.',
      );
    }
    const isolation = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
    const access = accessMode === undefined ? '' : ` ${accessMode}`;
    await this.run({ text: `begin${isolation}${access}` });
  }

  /**
   * @throws TransactionAbortedError where the server rolled back instead
   * @throws CommitOutcomeUnknownError where the connection was lost between COMMIT and its answer
   */
  async commit(): Promise<void> {
    const { command } = await this.#end(async () => {
      const lostBefore = this.session.isLost;
      try {
        return await this.session.run({ text: 'commit' });
      } catch (cause) {
        if (lostBefore || !(cause instanceof ConnectionError)) throw cause;
        throw new CommitOutcomeUnknownError(
          'The connection was lost after COMMIT was sent: the transaction may or may not be applied. Read back before doing it again.',
          { cause },
        );
      }
    });
    if (command === 'ROLLBACK') throw abortedError();
  }

  /** Never rejects: where it fails the session is closed, so that the server rolls back by itself. */
  async rollback(): Promise<void> {
    await this.#end(async () => {
      if (this.session.transaction === 'none') return;
      try {
        await this.session.run({ text: 'rollback', limit: rollbackLimit });
      } catch (error) {
        this.session.destroy(error as Error);
      }
    });
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    checkParameters(query.parameters);
    const { command, rowCount, rows } = await this.run({ text: query.sql, values: query.parameters });
    return countsRows(command)
      ? { rows: rows as Row[], numAffectedRows: BigInt(rowCount ?? 0) }
      : { rows: rows as Row[] };
  }

  /**
   * Reads a SELECT by a cursor, in the transaction that runs or in one of its own, so that no more than a
   * chunk is in memory. A consumer that rests for over a minute between two chunks loses the connection
   * (see postgres-session-setup.ts). What writes is run whole and handed out in chunks.
   */
  async *streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    if (readsOnly(query.query)) {
      checkParameters(query.parameters);
      yield* streamByCursor<Row>(this, query, chunkSize);
      return;
    }
    const { rows } = await this.executeQuery<Row>(query);
    for (let start = 0; start < rows.length; start += chunkSize)
      yield { rows: rows.slice(start, start + chunkSize) };
  }

  /** Cancels the statement under way on the server. It asks over a connection of its own. */
  cancelQuery(): Promise<void> {
    return this.#signal('pg_cancel_backend');
  }

  /** Ends the session on the server, with whatever runs in it. */
  killSession(): Promise<void> {
    return this.#signal('pg_terminate_backend');
  }

  /** Runs one statement in its turn. */
  run(statement: SessionStatement): Promise<SessionResult> {
    return this.#inTurn(() => this.session.run(statement));
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    // A signal to the server that is still on its way would hit whoever had the session next.
    if (this.#signalling !== undefined) await this.#signalling;
    this.#pool.release(this.session);
  }

  async #signal(request: BackendSignal): Promise<void> {
    const { session } = this;
    const statement = session.running;
    if (statement === undefined) return;
    session.cancelled = true;
    const signalling = this.#pool.signalBackend(
      request,
      session.processId,
      () => session.running === statement,
    );
    // A failure is the caller's to hear, not of whoever gives the connection back.
    this.#signalling = signalling.catch(() => {});
    await signalling;
  }

  async #end<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#running !== undefined) await this.#running;
    return work();
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#requireOpen();
    while (this.#running !== undefined) await this.#running;
    this.#requireOpen();
    const turn = Promise.withResolvers<void>();
    this.#running = turn.promise;
    try {
      return await work();
    } finally {
      this.#running = undefined;
      turn.resolve();
    }
  }

  #requireOpen(): void {
    if (!this.#released) return;
    throw new TransactionClosedError(
      'A query came after its transaction had ended. Await every query inside of the work function, and do not keep its handle.',
    );
  }
}

function countsRows(command: string): boolean {
  return command === 'INSERT' || command === 'UPDATE' || command === 'DELETE' || command === 'MERGE';
}

function abortedError(): TransactionAbortedError {
  const error = new TransactionAbortedError(
    'COMMIT was asked for, but a statement of the transaction had failed, so the server rolled it back.',
  );
  // By this mark Kysely knows that nothing is left to roll back, and lets go of the connection.
  return Object.defineProperty(error, Symbol.for('kysely.AbortedTransactionError'), { value: true });
}

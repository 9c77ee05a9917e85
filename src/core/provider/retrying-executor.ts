import type { CompiledQuery, Kysely, QueryResult, SelectQueryNode } from 'kysely';
import type { DirectExecutor } from '../engine/direct-executor.ts';
import type { Clock } from '../foundation/clock.ts';
import { CommitOutcomeUnknownError, type ConnectionError } from '../foundation/errors/connection-errors.ts';
import { ReadOnlyDatabaseError } from '../foundation/errors/transaction-errors.ts';
import { RetryBudget } from '../foundation/retry-budget.ts';
import { within } from '../foundation/within.ts';
import { isLoss, type DatabaseRecovery } from './database-recovery.ts';

type Options = { readonly signal?: AbortSignal | undefined };

/** How often one read is sent at most, the first time included. */
const mostTries = 3;

/** How long the database is waited for after a loss, in ms. */
const patience = 5_000;

/** A tenth of the traffic, and ten to begin with. */
const budgetOptions = { initial: 10, perCall: 0.1, capacity: 1_000 };

/** What the tries of one read may take, and share with others. */
export interface RetryLimits {
  /** The longest from the start of the read to the end of its last try, in ms; 0 is no limit. */
  readonly operationTimeout: number;
  /** How the database is waited for. */
  readonly recovery: DatabaseRecovery;
}

/**
 * Sends a read again whose connection was lost; a write never, since it may have been applied. Where many
 * have lost theirs, one asks whether the database is back, and the others wait for its answer: nobody storms
 * a server that starts.
 *
 * A SELECT may call a function that writes. So it is sent again in a read-only transaction: there the
 * database itself refuses the second write, and the caller hears of the loss.
 *
 * All tries together take no longer than one could have by itself: whoever has a deadline keeps it.
 */
export class RetryingExecutor<DB> implements DirectExecutor {
  readonly #inner: DirectExecutor;
  readonly #db: Kysely<DB>;
  readonly #clock: Clock;
  readonly #operationTimeout: number;
  readonly #budget = new RetryBudget(budgetOptions);
  readonly #recovery: DatabaseRecovery;

  /** @param db the same database by Kysely, for the read-only transactions */
  constructor(
    inner: DirectExecutor,
    db: Kysely<DB>,
    clock: Clock,
    { operationTimeout, recovery }: RetryLimits,
  ) {
    this.#inner = inner;
    this.#db = db;
    this.#clock = clock;
    this.#recovery = recovery;
    this.#operationTimeout = operationTimeout > 0 ? operationTimeout : Number.POSITIVE_INFINITY;
  }

  async execute<Row>(query: CompiledQuery<Row>, options?: Options): Promise<QueryResult<Row>> {
    this.#budget.earn();
    const start = this.#clock.monotonic();
    try {
      return await this.#inner.execute(query, options);
    } catch (error) {
      if (!isLoss(error) || !isRead(query)) throw error;
      return this.#retry(query, options?.signal, error, start + this.#operationTimeout);
    }
  }

  batch(queries: readonly CompiledQuery[]): Promise<readonly QueryResult<unknown>[]> {
    return this.#inner.batch(queries);
  }

  async #retry<Row>(
    query: CompiledQuery<Row>,
    signal: AbortSignal | undefined,
    loss: ConnectionError,
    deadline: number,
  ): Promise<QueryResult<Row>> {
    const end = Math.min(this.#clock.monotonic() + patience, deadline);
    let failure: unknown = loss;
    for (let attempt = 2; attempt <= mostTries && this.#budget.spend(); attempt += 1) {
      if (!(await this.#until(end, this.#recovery.wait(), signal))) break;
      try {
        const result = await this.#until(deadline, this.#executeReadOnly<Row>(query, signal), signal);
        if (result === undefined) break;
        return result;
      } catch (error) {
        if (error instanceof ReadOnlyDatabaseError) throw loss;
        // The COMMIT of a read decides nothing, so an unknown outcome is a loss like any other.
        if (!isLoss(error) && !(error instanceof CommitOutcomeUnknownError)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  /** @param deadline on the monotonic clock; infinity for none */
  #until<Result>(
    deadline: number,
    work: Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result | undefined> {
    return within(this.#clock, deadline - this.#clock.monotonic(), work, signal);
  }

  #executeReadOnly<Row>(
    query: CompiledQuery<Row>,
    signal: AbortSignal | undefined,
  ): Promise<QueryResult<Row>> {
    return this.#db
      .transaction()
      .setAccessMode('read only')
      .execute((tx) => tx.getExecutor().executeQuery(query, { signal }));
  }
}

function isRead({ query, sql }: CompiledQuery): boolean {
  // A text of the caller's own, as of `provider.query`.
  if (query.kind === 'RawNode') return /^\s*select\b/i.test(sql);
  return query.kind === 'SelectQueryNode' && !locksOrWrites(query);
}

function locksOrWrites({ endModifiers = [], with: ctes }: SelectQueryNode): boolean {
  const writes = ctes?.expressions.some(({ expression }) => expression.kind !== 'SelectQueryNode');
  return endModifiers.length > 0 || writes === true;
}

import type { CompiledQuery, QueryResult } from 'kysely';
import type { DirectExecutor } from '../direct-executor.ts';
import type { Clock } from '../../foundation/clock.ts';
import { ConnectionError, PoolTimeoutError } from '../../foundation/errors/connection-errors.ts';
import {
  DeadlockError,
  ReadOnlyDatabaseError,
  SerializationFailureError,
} from '../../foundation/errors/transaction-errors.ts';
import { QueryError } from '../../foundation/errors/statement-errors.ts';
import { timeWait, type StatementTiming } from '../../foundation/statement-timing.ts';
import { within } from '../../foundation/within.ts';
import type { StatementOptions } from '../statement-options.ts';
import type { PostgresReplica } from './postgres-replica.ts';
import type { ReplicaChoice } from './replica-choice.ts';
import { traitsOf } from './statement-traits.ts';
import type { WritePosition } from './write-position.ts';

/** After so many ms without an answer a replica is asked whether it is still there. */
const suspicion = 25;
/** How long it may take to say so, in ms. */
const signOfLife = 60;

/** What a replicated executor needs to know. */
export interface ReplicatedExecutorOptions {
  /** The longest that a read may take on all servers together, in ms; 0 is no limit. */
  readonly operationTimeout: number;
  readonly clock: Clock;
}

/** Stands for an answer that has not come. */
const silence = Symbol('silence');

/**
 * Sends reads to a replica, and everything else to the primary. A read that a replica fails to answer goes to
 * the primary: at once where the replica says so, and within 100 ms where it says nothing any more.
 */
export class ReplicatedExecutor implements DirectExecutor {
  readonly #primary: DirectExecutor;
  readonly #choice: ReplicaChoice;
  readonly #position: WritePosition;
  readonly #clock: Clock;
  readonly #operationTimeout: number;

  constructor(
    primary: DirectExecutor,
    choice: ReplicaChoice,
    position: WritePosition,
    { operationTimeout, clock }: ReplicatedExecutorOptions,
  ) {
    this.#primary = primary;
    this.#choice = choice;
    this.#position = position;
    this.#clock = clock;
    this.#operationTimeout = operationTimeout > 0 ? operationTimeout : Number.POSITIVE_INFINITY;
  }

  async execute<Row>(query: CompiledQuery<Row>, options?: StatementOptions): Promise<QueryResult<Row>> {
    const { isRead, leavesTraces } = traitsOf(query);
    if (!isRead || leavesTraces) return this.#write(() => this.#primary.execute(query, options));
    const deadline = this.#clock.monotonic() + this.#operationTimeout;
    const replica = this.#choice.findReady() ?? (await timeWait(options?.timing, () => this.#choice.find()));
    if (replica === undefined) return this.#primary.execute(query, options);
    try {
      return await this.#readFrom(replica, query, options);
    } catch (error) {
      if (!mayReadElsewhere(error)) throw error;
      if (error instanceof ConnectionError) replica.leaveOut(error);
      const left = deadline - this.#clock.monotonic();
      const readAgain = () => within(this.#clock, left, this.#primary.execute(query, options));
      // It seems to call a function that writes.
      const isWrite = error instanceof ReadOnlyDatabaseError;
      const result = await (isWrite ? this.#write(readAgain) : readAgain());
      if (result === undefined) throw error;
      return result;
    }
  }

  batch(
    queries: readonly CompiledQuery[],
    timing?: StatementTiming,
  ): Promise<readonly QueryResult<unknown>[]> {
    return this.#write(() => this.#primary.batch(queries, timing));
  }

  async #write<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } finally {
      this.#position.noteWrite();
    }
  }

  async #readFrom<Row>(
    replica: PostgresReplica,
    query: CompiledQuery<Row>,
    options: StatementOptions | undefined,
  ): Promise<QueryResult<Row>> {
    replica.inFlight += 1;
    try {
      const answer = replica.direct.execute(query, options);
      // Where nobody waits for it any more, its failure is nobody's either.
      answer.catch(() => {});
      const first = (await within(this.#clock, suspicion, answer)) ?? silence;
      if (first !== silence) return first;
      const settled = answer.then(
        () => true,
        () => true,
      );
      // A slow query is waited for; a replica that is silent is not.
      if (await Promise.race([settled, replica.isAnswering(signOfLife)])) return await answer;
      throw new ConnectionError('The replica does not answer any more.');
    } finally {
      replica.inFlight -= 1;
    }
  }
}

/**
 * Failures of the replica and not of the query: a conflict with the replay of the log is one of them, and what no
 * replica can do, such as reading an unlogged table (0A000) or a function of the log (55000).
 */
function mayReadElsewhere(error: unknown): boolean {
  if (error instanceof QueryError) return error.driverCode === '0A000' || error.driverCode === '55000';
  return (
    error instanceof ConnectionError ||
    error instanceof PoolTimeoutError ||
    error instanceof ReadOnlyDatabaseError ||
    error instanceof SerializationFailureError ||
    error instanceof DeadlockError
  );
}

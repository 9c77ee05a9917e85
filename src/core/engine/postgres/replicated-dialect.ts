import type { Driver } from 'kysely';
import type { Clock } from '../../foundation/clock.ts';
import { LeasingDriver } from '../leasing-driver.ts';
import { PostgresConnection } from './postgres-connection.ts';
import { PostgresDialect } from './postgres-dialect.ts';
import type { PostgresPool } from './postgres-pool.ts';
import type { ReplicaChoice } from './replica-choice.ts';
import { ReplicatedLease } from './replicated-lease.ts';
import type { WritePosition } from './write-position.ts';

/** The dialect of a primary with replicas: read-only transactions run on one of them. */
export class ReplicatedDialect extends PostgresDialect {
  readonly #primary: PostgresPool;
  readonly #choice: ReplicaChoice;
  readonly #position: WritePosition;
  readonly #clock: Clock;
  readonly #close: (deadline: number) => Promise<void>;

  /** @param close closes the primary and the replicas */
  constructor(
    primary: PostgresPool,
    choice: ReplicaChoice,
    position: WritePosition,
    clock: Clock,
    close: (deadline: number) => Promise<void>,
  ) {
    super(primary, clock);
    this.#primary = primary;
    this.#choice = choice;
    this.#position = position;
    this.#clock = clock;
    this.#close = close;
  }

  override createDriver(): Driver {
    return new LeasingDriver({
      lend: (signal) => {
        const openOnPrimary = () => this.#open(this.#primary, signal);
        const openForReading = () => this.#openForReading(signal, openOnPrimary);
        return Promise.resolve(new ReplicatedLease({ openOnPrimary, openForReading }, this.#position));
      },
      close: this.#close,
    });
  }

  async #openForReading(
    signal: AbortSignal | undefined,
    openOnPrimary: () => Promise<PostgresConnection>,
  ): Promise<PostgresConnection> {
    const replica = this.#choice.findReady() ?? (await this.#choice.find());
    if (replica === undefined) return openOnPrimary();
    try {
      return await this.#open(replica.pool, signal);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      replica.leaveOut(error);
      return openOnPrimary();
    }
  }

  async #open(pool: PostgresPool, signal: AbortSignal | undefined): Promise<PostgresConnection> {
    return new PostgresConnection(pool.tryAcquire() ?? (await pool.acquire(signal)), pool, this.#clock);
  }
}

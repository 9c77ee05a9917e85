import { CompiledQuery, type Kysely } from 'kysely';
import { decorrelatedJitter } from '../foundation/backoff.ts';
import { sleep, type Clock } from '../foundation/clock.ts';
import { ConnectionError } from '../foundation/errors/connection-errors.ts';
import { outside } from './transaction-context.ts';

/** How long the database is waited for after a loss, in ms. */
const patience = 5_000;

/** Between two looks whether the database is back, in ms. */
const pauses = { base: 5, cap: 100 };

/**
 * Waits for a database that was lost. However many wait, one asks whether it is back, and the others wait for its
 * answer: nobody storms a server that starts.
 */
export class DatabaseRecovery {
  readonly #db: Pick<Kysely<unknown>, 'executeQuery'>;
  readonly #clock: Clock;
  #recovery: Promise<true> | undefined;

  constructor(db: Pick<Kysely<unknown>, 'executeQuery'>, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Looks until the database answers, until somebody else has to say why not, or for 5 s. Never rejects. */
  wait(): Promise<true> {
    this.#recovery ??= outside(() => this.#recover()).finally(() => (this.#recovery = undefined));
    return this.#recovery;
  }

  async #recover(): Promise<true> {
    const end = this.#clock.monotonic() + patience;
    const nextPause = decorrelatedJitter(pauses);
    for (;;) {
      // Those who were lost together come together: the first of them waits for all.
      await sleep(this.#clock, nextPause());
      try {
        await this.#db.executeQuery(CompiledQuery.raw('select 1'));
        return true;
      } catch (error) {
        if (!isLoss(error) || this.#clock.monotonic() >= end) return true;
      }
    }
  }
}

/** Whether an error says that the database may be back soon. */
export function isLoss(error: unknown): error is ConnectionError {
  return error instanceof ConnectionError && error.retryable;
}

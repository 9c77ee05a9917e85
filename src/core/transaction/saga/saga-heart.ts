import type { Clock } from '../../foundation/clock.ts';
import { LeaseLostError } from '../../foundation/errors/saga-errors.ts';
import type { Logger } from '../../foundation/logger.ts';
import { within } from '../../foundation/within.ts';
import type { SagaJournal } from './saga-journal.ts';
import type { SagaLease } from './saga-lease.ts';

/** What a heart works with. */
export interface HeartParts {
  readonly journal: SagaJournal;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Who holds the leases. */
  readonly owner: string;
  /** In ms. */
  readonly leaseDuration: number;
}

/** How many heartbeats fall into the time of a lease. */
const beatsPerLease = 4;

/**
 * Keeps the leases of one runner alive, all of them by one statement at a time. A lease that somebody else
 * has taken ends; so does one that could not be confirmed for its whole time, since nobody knows whose it is.
 */
export class SagaHeart {
  readonly #parts: HeartParts;
  readonly #leases = new Set<SagaLease>();
  #cancel: (() => void) | undefined;

  constructor(parts: HeartParts) {
    this.#parts = parts;
  }

  /** Begins to keep a lease alive. */
  add(lease: SagaLease): void {
    this.#leases.add(lease);
    this.#schedule();
  }

  /** Stops doing so. */
  remove(lease: SagaLease): void {
    this.#leases.delete(lease);
    if (this.#leases.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  get #interval(): number {
    return this.#parts.leaseDuration / beatsPerLease;
  }

  #schedule(): void {
    if (this.#leases.size === 0) return;
    const beat = () => {
      this.#cancel = undefined;
      void this.#beat();
      // At once, so that leases which come and go meanwhile find that it is scheduled.
      this.#schedule();
    };
    this.#cancel ??= this.#parts.clock.schedule(this.#interval, beat, { keepsAlive: false });
  }

  async #beat(): Promise<void> {
    const { journal, clock, logger, owner, leaseDuration } = this.#parts;
    const leases = Array.from(this.#leases);
    const sentAt = clock.monotonic();
    const confirm = async () => {
      const lost = await journal.beat(owner, leases);
      for (const lease of leases) lease.confirmedAt = Math.max(lease.confirmedAt, sentAt);
      for (const lease of lost) this.#lose(lease);
    };
    try {
      // An answer that comes later than that still counts; the next beat does not wait for it.
      await within(clock, this.#interval, confirm());
    } catch (error) {
      logger.warn({ error }, 'a heartbeat of sagas has failed');
    }
    for (const lease of leases) {
      if (clock.monotonic() - lease.confirmedAt >= leaseDuration) this.#lose(lease);
    }
  }

  /** One that has come to its end meanwhile is no longer kept, and has nothing to lose. */
  #lose(lease: SagaLease): void {
    if (!this.#leases.has(lease)) return;
    this.#leases.delete(lease);
    lease.end(new LeaseLostError(lease.sagaId));
  }
}

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
 * has taken ends. So does one that was not confirmed for its whole time, unless the journal says that nobody
 * has taken it: a heartbeat may wait in line, behind a long transaction of this very process too.
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
    const { journal, clock, logger, owner } = this.#parts;
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
    await this.#judge(leases.filter((lease) => this.#isOverdue(lease)));
  }

  /** Asks whose the leases are that no heartbeat has confirmed. Reading waits for no lock of a row or a file. */
  async #judge(overdue: readonly SagaLease[]): Promise<void> {
    if (overdue.length === 0) return;
    const { journal, clock, logger, owner } = this.#parts;
    let lost: readonly SagaLease[] | undefined;
    try {
      lost = await within(clock, this.#interval, journal.findLost(owner, overdue));
    } catch (error) {
      logger.warn({ error }, 'nobody knows whose the leases of sagas are');
    }
    // Without an answer they may be anybody's, but for those that a late heartbeat has confirmed.
    for (const lease of lost ?? overdue.filter((each) => this.#isOverdue(each))) this.#lose(lease);
  }

  #isOverdue({ confirmedAt }: SagaLease): boolean {
    return this.#parts.clock.monotonic() - confirmedAt >= this.#parts.leaseDuration;
  }

  /** One that has come to its end meanwhile is no longer kept, and has nothing to lose. */
  #lose(lease: SagaLease): void {
    if (!this.#leases.has(lease)) return;
    this.#leases.delete(lease);
    lease.end(new LeaseLostError(lease.sagaId));
  }
}

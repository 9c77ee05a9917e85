import type { Kysely } from 'kysely';
import type { Clock } from '../foundation/clock.ts';
import { DeliveryAbortedError } from '../foundation/errors/outbox-errors.ts';
import { leaseOf, messageLeases, type MessageLease } from './message-leases.ts';
import type { ClaimedMessage } from './outbox-message.ts';
import type { OutboxTables } from './outbox-tables.ts';

/** A lease that this relay has, as long as the delivery lasts. */
export interface HeldLease extends MessageLease {
  /** Aborts where the delivery should stop. */
  readonly signal: AbortSignal;
  /** Whether somebody else may have the message by now. */
  readonly isLost: boolean;
  /** Whether the delivery was stopped because its relay ends. */
  readonly isAbandoned: boolean;
  /** Stops the delivery. */
  abort(reason: DeliveryAbortedError): void;
}

class OwnLease implements HeldLease {
  readonly id: string;
  readonly fence: number;
  readonly #controller = new AbortController();
  /** Until when the last sign of life counts, on the monotonic clock. */
  until: number;
  isLost = false;
  isAbandoned = false;

  constructor({ id, fence }: MessageLease, until: number) {
    this.id = id;
    this.fence = fence;
    this.until = until;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: DeliveryAbortedError): void {
    this.#controller.abort(reason);
  }

  /** One that was told to stop before has that for its reason. */
  abandon(reason: DeliveryAbortedError): void {
    this.isAbandoned ||= !this.signal.aborted;
    this.abort(reason);
  }

  lose(): void {
    this.isLost = true;
    this.abort(
      new DeliveryAbortedError('The lease of the message was lost; another relay may deliver it now.'),
    );
  }
}

/** How often in a lease's duration a sign of life is given. */
const beatsPerLease = 4;
/** For how many messages one statement gives it: SQLite reads no condition of a thousand terms. */
const largestBeat = 100;

/** Gives signs of life for the messages that are being delivered, and tells their deliveries where one is lost. */
export class HeldLeases {
  readonly #db: () => Kysely<OutboxTables>;
  readonly #duration: number;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #leases = new Set<OwnLease>();
  #cancelBeat: (() => void) | undefined;
  #isBeating = false;
  /** How many beats have fallen due since the last statement was sent that has no answer yet. */
  #missed = 0;

  /** @param onError hears why a sign of life could not be given */
  constructor(
    db: () => Kysely<OutboxTables>,
    duration: number,
    clock: Clock,
    onError: (error: unknown) => void,
  ) {
    this.#db = db;
    this.#duration = duration;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** @param since when the claim was sent, on the monotonic clock: before anybody else could see it */
  hold(claim: ClaimedMessage, since: number): HeldLease {
    const lease = new OwnLease(leaseOf(claim), since + this.#duration);
    this.#leases.add(lease);
    this.#schedule();
    return lease;
  }

  /** Gives no more signs of life for a lease. */
  drop(lease: HeldLease): void {
    this.#leases.delete(lease as OwnLease);
    if (this.#leases.size > 0) return;
    this.#cancelBeat?.();
    this.#cancelBeat = undefined;
  }

  /** Whether this relay holds a lease itself, and knows of it. */
  has({ id, fence }: MessageLease): boolean {
    for (const lease of this.#leases) if (lease.id === id && lease.fence === fence) return true;
    return false;
  }

  /** Stops every delivery, and gives no more signs of life. */
  abandon(reason: DeliveryAbortedError): void {
    for (const lease of this.#leases) {
      lease.abandon(reason);
      this.drop(lease);
    }
  }

  #schedule(): void {
    if (this.#cancelBeat !== undefined || this.#leases.size === 0) return;
    this.#cancelBeat = this.#clock.schedule(this.#duration / beatsPerLease, () => {
      this.#cancelBeat = undefined;
      this.#missed += 1;
      if (!this.#isBeating) void this.#beat();
      // It hangs, as behind a lock. Counted and not timed: a loop that was held up has not read its answers yet.
      else if (this.#missed > beatsPerLease) this.#loseExpired();
      this.#schedule();
    });
  }

  /** Nobody knows whose they are, whether the sign of life has failed or hangs. */
  #loseExpired(): void {
    const now = this.#clock.monotonic();
    for (const lease of this.#leases) if (lease.until <= now) lease.lose();
  }

  async #beat(): Promise<void> {
    this.#isBeating = true;
    const leases = [...this.#leases];
    try {
      for (let first = 0; first < leases.length; first += largestBeat) {
        await this.#beatFor(leases.slice(first, first + largestBeat));
      }
    } catch (error) {
      this.#onError(error);
      this.#loseExpired();
    }
    this.#isBeating = false;
  }

  async #beatFor(leases: readonly OwnLease[]): Promise<void> {
    const start = this.#clock.monotonic();
    this.#missed = 0;
    const kept = await messageLeases.beat(this.#db(), leases);
    for (const lease of leases) {
      if (kept.has(lease.id)) lease.until = start + this.#duration;
      // Where the delivery was noted meanwhile, the message is gone because all is well.
      else if (this.#leases.has(lease)) lease.lose();
    }
  }
}

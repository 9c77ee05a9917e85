import type { Clock } from '../foundation/clock.ts';
import type { SeenLease } from './message-leases.ts';

/** How much of a lease's duration may pass between two looks and still count as silence that was observed. */
const countedShare = 1 / 3;

interface Observation {
  readonly lease: SeenLease;
  /** When it was last looked at, on the monotonic clock. */
  readonly seenAt: number;
  /** How long it was seen without a sign of life, in ms. */
  readonly silence: number;
  /** Whether it was there at the first look, and nothing tells yet whether its owner is alive. */
  readonly isDoubtful: boolean;
}

/**
 * Judges whose owner is gone. No clock of another machine is believed, and no wall clock: a lease has run out when
 * this process itself has seen it without a sign of life for as long as its owner may be silent. Time in which
 * nobody looked counts in part alone, so that after an outage of the database a living owner comes first.
 */
export class LeaseWatch {
  readonly #clock: Clock;
  #observed: ReadonlyMap<string, Observation> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Looks at the leases of others.
   *
   * @param leases all that there are now
   * @returns those whose owners are gone
   */
  observe(leases: readonly SeenLease[]): SeenLease[] {
    const now = this.#clock.monotonic();
    const observations = leases.map((lease) => this.#continue(lease, now));
    this.#observed = new Map(observations.map((observation) => [observation.lease.id, observation]));
    return observations
      .filter(({ lease, silence }) => silence >= lease.lease_duration)
      .map(({ lease }) => lease);
  }

  /** How soon to look again, in ms; infinity where nobody has a lease. */
  get nextLook(): number {
    const durations = this.#observations.map(({ lease }) => lease.lease_duration);
    return Math.min(...durations) * countedShare;
  }

  /** Whether some lease of the first look may yet turn out to be that of an owner who is gone. */
  get hasDoubts(): boolean {
    return this.#observations.some(({ isDoubtful }) => isDoubtful);
  }

  get #observations(): Observation[] {
    return Array.from(this.#observed?.values() ?? []);
  }

  #continue(lease: SeenLease, now: number): Observation {
    const before = this.#observed?.get(lease.id);
    const isSilent = before?.lease.fence === lease.fence && before.lease.lease_beat === lease.lease_beat;
    if (before === undefined || !isSilent) {
      return { lease, seenAt: now, silence: 0, isDoubtful: this.#observed === undefined };
    }
    const counted = Math.min(now - before.seenAt, lease.lease_duration * countedShare);
    const silence = before.silence + Math.max(0, counted);
    return { lease, seenAt: now, silence, isDoubtful: before.isDoubtful && silence < lease.lease_duration };
  }
}

import type { Clock } from '../../foundation/clock.ts';
import type { SagaLeaseRow } from './saga-journal.ts';

interface Sighting {
  readonly fence: number;
  readonly heartbeat: number;
  /** From when on it is known not to have moved, in monotonic ms. */
  readonly since: number;
  /** When it was looked at last. */
  readonly lookedAt: number;
}

/**
 * Tells whose owner is gone: a lease whose fence and heartbeat have not moved for a whole lease's time. The
 * time is the watcher's own and monotonic, so that no wall clock matters, its own or the owner's.
 *
 * A watcher that did not look for half that time, since it was paused or its machine was, starts over: the
 * owner may have been paused with it.
 */
export class SagaLeaseWatch {
  readonly #clock: Clock;
  readonly #leaseDuration: number;
  readonly #sightings = new Map<string, Sighting>();

  /** @param leaseDuration in ms */
  constructor(clock: Clock, leaseDuration: number) {
    this.#clock = clock;
    this.#leaseDuration = leaseDuration;
  }

  /**
   * Looks at a lease.
   *
   * @param row as it was read
   * @param askedAt when the read was begun, in monotonic ms: it may be as old as that
   * @returns whether its saga may be taken over
   */
  isAbandoned(row: SagaLeaseRow, askedAt: number): boolean {
    if (row.owner === null) return true;
    const { fence, heartbeat } = row;
    const now = this.#clock.monotonic();
    const last = this.#sightings.get(row.id);
    const isSame =
      last !== undefined &&
      last.fence === fence &&
      last.heartbeat === heartbeat &&
      askedAt - last.lookedAt < this.#leaseDuration / 2;
    const since = isSame ? last.since : now;
    this.#sightings.set(row.id, { fence, heartbeat, since, lookedAt: now });
    return askedAt - since >= this.#leaseDuration;
  }

  /**
   * When the next of the leases falls due unless it moves, in monotonic ms; infinity for none. One that was due when
   * it was looked at is none of them: whoever could not take its saga is in no hurry.
   */
  get nextDue(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { since, lookedAt } of this.#sightings.values()) {
      const due = since + this.#leaseDuration;
      if (due > lookedAt) next = Math.min(next, due);
    }
    return next;
  }

  /** Forgets a lease that nobody waits for any more. */
  forget(id: string): void {
    this.#sightings.delete(id);
  }

  /** Forgets all leases but these. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#sightings.keys()) if (!ids.has(id)) this.#sightings.delete(id);
  }
}

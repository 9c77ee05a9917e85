import { hostname } from 'node:os';
import { newId } from '../../domain/uuid.ts';
import type { Brand } from '../../domain/brand.ts';
import type { Clock } from '../../foundation/clock.ts';
import { SagaInterruptedError } from '../../foundation/errors/saga-errors.ts';
import type { Logger } from '../../foundation/logger.ts';
import { unlessAborted, within } from '../../foundation/within.ts';
import { outside } from '../../provider/transaction-context.ts';
import { SagaExecution } from './saga-execution.ts';
import type { SagaNews } from './saga-event.ts';
import { SagaHeart } from './saga-heart.ts';
import type { JournaledSaga, SagaJournal, SagaLeaseRow } from './saga-journal.ts';
import { SagaLease } from './saga-lease.ts';
import type { SagaOutcome } from './saga-outcome.ts';
import type { SagaPlan } from './saga-plan.ts';
import type { SagasTable } from './saga-tables.ts';
import { untilStored } from './until-stored.ts';

/** What a crew works with. */
export interface CrewParts {
  readonly journal: SagaJournal;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In ms. */
  readonly leaseDuration: number;
  readonly plans: readonly SagaPlan[];
  readonly tell: (news: SagaNews) => void;
}

/** A saga that is carried on here. */
export interface HeldSaga {
  readonly lease: SagaLease;
  readonly outcome: Promise<SagaOutcome>;
}

/** How long the end may take where the journal gives no answer, in ms: longer than an attempt that heeds nothing. */
const goodbyeLimit = 3_000;

/** The sagas that one runner carries on: it takes them, holds their leases and lets go of them. */
export class SagaCrew {
  /** Names this runner in the journal; the machine and the process are for people. */
  readonly owner = `${hostname()}/${process.pid}/${newId<Brand<string, 'SagaOwner'>>()}`;
  readonly #parts: CrewParts;
  readonly #heart: SagaHeart;
  readonly #held = new Map<string, HeldSaga>();
  /** Those that are being taken, so that the journal may name this owner before they are held. */
  readonly #taking = new Map<string, Promise<unknown>>();
  readonly #closing = new AbortController();
  /** Aborted where nobody waits for the journal any more. */
  readonly #leaving = new AbortController();

  constructor(parts: CrewParts) {
    this.#parts = parts;
    this.#heart = new SagaHeart({ ...parts, owner: this.owner });
  }

  /** The outcome of a saga that is carried on here. */
  outcomeOf(id: string): Promise<SagaOutcome> | undefined {
    return this.#held.get(id)?.outcome;
  }

  /** Whether a saga is carried on here, or is about to be. */
  isBusyWith(id: string): boolean {
    return this.#held.has(id) || this.#taking.has(id);
  }

  /** Whether a lease is this runner's own in the journal alone: nobody here carries its saga on. */
  isOrphan({ id, owner }: SagaLeaseRow): boolean {
    return owner === this.owner && !this.isBusyWith(id);
  }

  /** Stores a new saga and begins it. @returns undefined where one of its id or key is there already */
  async start(row: SagasTable): Promise<HeldSaga | undefined> {
    const { journal, tell } = this.#parts;
    return this.#take(row.id, async (askedAt) => {
      if (!(await this.#stored(() => journal.start(row)))) return undefined;
      tell({ type: 'started', saga: row.name, sagaId: row.id });
      return this.#hold({ saga: row, steps: [] }, askedAt);
    });
  }

  /** Takes a saga over, where it is still as it was seen. @returns undefined where it is not */
  async takeOver(seen: SagaLeaseRow): Promise<HeldSaga | undefined> {
    const { journal, tell } = this.#parts;
    return this.#take(seen.id, async (askedAt) => {
      const journaled = await this.#stored(() => journal.claim(seen, this.owner));
      if (journaled === undefined) return undefined;
      tell({ type: 'taken-over', saga: journaled.saga.name, sagaId: seen.id });
      return this.#hold(journaled, askedAt);
    });
  }

  /**
   * Lets attempts under way end until the deadline, then ends them; lets go of every saga. A journal that hangs is
   * waited for a few seconds more and no longer.
   */
  async close(deadline: number): Promise<void> {
    const { clock } = this.#parts;
    const end = clock.monotonic() + deadline;
    this.#closing.abort(new SagaInterruptedError(undefined));
    await within(clock, goodbyeLimit, Promise.allSettled(this.#taking.values()));
    const held = Array.from(this.#held.values());
    for (const { lease } of held) lease.drain(new SagaInterruptedError(lease.sagaId));
    const all = Promise.allSettled(held.map(({ outcome }) => outcome));
    await within(clock, end - clock.monotonic(), all);
    for (const { lease } of held) lease.end(new SagaInterruptedError(lease.sagaId));
    await within(clock, goodbyeLimit, all);
    this.#leaving.abort(new SagaInterruptedError(undefined));
    await all;
  }

  async #take<Result>(id: string, take: (askedAt: number) => Promise<Result>): Promise<Result | undefined> {
    // Two that start one id at once: the second has to see what the first has stored.
    while (this.#taking.has(id)) await Promise.allSettled([this.#taking.get(id)]);
    if (this.#held.has(id)) return undefined;
    // Whoever has closed is done, and may close the database as well: nothing is begun behind that.
    this.#closing.signal.throwIfAborted();
    const taken = unlessAborted(take(this.#parts.clock.monotonic()), this.#leaving.signal);
    this.#taking.set(id, taken);
    try {
      return await taken;
    } finally {
      this.#taking.delete(id);
    }
  }

  #hold(journaled: JournaledSaga, confirmedAt: number): HeldSaga {
    const { journal, clock, leaseDuration, tell, logger } = this.#parts;
    const { id, fence, name, version } = journaled.saga;
    const lease = new SagaLease(id, fence, confirmedAt);
    if (this.#closing.signal.aborted) lease.end(new SagaInterruptedError(id));
    const plan = this.#parts.plans.find((each) => each.name === name && each.version === version);
    const parts = { journal, clock, patience: leaseDuration, tell };
    // Whoever starts it may be inside of a transaction of another database, which has no part in what goes on by itself.
    const outcome = outside(() => {
      this.#heart.add(lease);
      return unlessAborted(new SagaExecution(parts, lease, plan, journaled).run(), this.#leaving.signal);
    }).finally(() => {
      this.#heart.remove(lease);
      this.#held.delete(id);
    });
    const held = { lease, outcome };
    this.#held.set(id, held);
    // Whoever runs the saga hears of it; of one that was taken over nobody may.
    outcome.catch((error: unknown) => {
      logger.warn({ error, sagaId: id, saga: name }, 'a saga is left to other runners');
    });
    return held;
  }

  #stored<Result>(work: () => Promise<Result>): Promise<Result> {
    return untilStored(this.#parts.clock, this.#parts.leaseDuration, work, this.#closing.signal);
  }
}

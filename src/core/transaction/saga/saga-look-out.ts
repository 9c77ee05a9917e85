import type { Clock } from '../../foundation/clock.ts';
import { isLiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import type { Logger } from '../../foundation/logger.ts';
import { pause } from './pause.ts';
import type { SagaCrew } from './saga-crew.ts';
import type { SagaJournal, SagaLeaseRow } from './saga-journal.ts';
import type { SagaLeaseWatch } from './saga-lease-watch.ts';
import type { SagaOutcome } from './saga-outcome.ts';

/** What a look-out works with. */
export interface LookOutParts {
  readonly journal: SagaJournal;
  readonly crew: SagaCrew;
  readonly watch: SagaLeaseWatch;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The names of the sagas whose code is here. */
  readonly names: readonly string[];
  /** In ms. */
  readonly pollInterval: number;
  /** How many sagas of others are carried on at once. */
  readonly concurrency: number;
}

/** Looks for sagas that nobody carries on, and takes them over. */
export class SagaLookOut {
  readonly #parts: LookOutParts;
  /** What was taken over and has not ended. */
  readonly #takenOver = new Set<Promise<SagaOutcome>>();

  constructor(parts: LookOutParts) {
    this.#parts = parts;
  }

  /**
   * Looks again and again until it is told to stop, or the provider is closed. It never rejects: a journal that is
   * away comes back.
   */
  async keepLooking(signal: AbortSignal): Promise<void> {
    const { clock, logger, watch, pollInterval } = this.#parts;
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        logger.warn({ error }, 'looking for abandoned sagas has failed');
        // It does not come back, and the timer would keep the process alive.
        if (isLiminalDataError(error, 'LIMINAL_POOL_CLOSED')) return;
      }
      // Not a moment later than a lease falls due: the time to its end is promised.
      const untilDue = Math.max(1, watch.nextDue - clock.monotonic());
      await pause(clock, Math.min(pollInterval, untilDue), signal).catch(() => undefined);
    }
  }

  /**
   * Looks until it is known of every saga that is there now whether somebody carries it on.
   *
   * @returns the outcomes of those that were taken over
   */
  async lookOnce(signal: AbortSignal): Promise<Promise<SagaOutcome>[]> {
    const { clock, crew, journal, names, pollInterval } = this.#parts;
    const first = new Map<string, SagaLeaseRow>();
    for (const row of await journal.listUnfinished(names)) {
      if (!crew.isBusyWith(row.id)) first.set(row.id, row);
    }
    const outcomes: Promise<SagaOutcome>[] = [];
    for (;;) {
      const { seen, taken } = await this.look();
      for (const [id, outcome] of taken) if (first.delete(id)) outcomes.push(outcome);
      for (const [id, row] of first) {
        const now = seen.get(id);
        const isAlive = now !== undefined && (now.fence !== row.fence || now.heartbeat !== row.heartbeat);
        if (now === undefined || isAlive || crew.isBusyWith(id)) first.delete(id);
      }
      if (first.size === 0) return outcomes;
      await pause(clock, pollInterval, signal);
    }
  }

  /** Looks once and takes over what is abandoned, as far as there is room. */
  async look(): Promise<{
    readonly seen: ReadonlyMap<string, SagaLeaseRow>;
    readonly taken: ReadonlyMap<string, Promise<SagaOutcome>>;
  }> {
    const { journal, crew, watch, clock, names, concurrency } = this.#parts;
    const askedAt = clock.monotonic();
    const rows = await journal.listUnfinished(names);
    const taken = new Map<string, Promise<SagaOutcome>>();
    const abandoned = rows.filter(
      (row) => !crew.isBusyWith(row.id) && (crew.isOrphan(row) || watch.isAbandoned(row, askedAt)),
    );
    watch.keepOnly(new Set(rows.map(({ id }) => id).filter((id) => !crew.isBusyWith(id))));
    for (const row of abandoned) {
      if (this.#takenOver.size >= concurrency) break;
      const held = await crew.takeOver(row);
      if (held === undefined) continue;
      const { outcome } = held;
      taken.set(row.id, outcome);
      this.#takenOver.add(outcome);
      const leave = () => this.#takenOver.delete(outcome);
      outcome.then(leave, leave);
    }
    return { seen: new Map(rows.map((row) => [row.id, row])), taken };
  }
}

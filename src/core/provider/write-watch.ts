import type { CompiledQuery } from 'kysely';
import type { Logger } from '../foundation/logger.ts';

/** What a statement may change, as the watcher understands it; opaque to the provider. */
export type Touch = object;

/** What became of touches. Where nobody knows, such as behind an abort, they may still come to be. */
export type WriteOutcome = 'kept' | 'undone' | 'unknown';

/** Hears of an outcome, once. Whoever wrote waits for it before they hear of the outcome themselves. */
export type HearOutcome = (outcome: WriteOutcome) => void | Promise<void>;

/** Hears of everything that is written by one provider, whichever way it goes. */
export interface WriteWatcher {
  /** Stands for what was sent before the watching began, in what ends after it. */
  readonly anything: Touch;
  /** Pure, quick, never throws; undefined where the statement only reads. */
  touchedBy(query: CompiledQuery): Touch | undefined;
  /**
   * Called right before touches can take effect: before the COMMIT of their transaction, or before the statement
   * itself where it stands alone. Never throws.
   *
   * @param touches without those of scopes that were undone
   */
  committing(touches: readonly Touch[]): HearOutcome;
  /**
   * Statements that are committed with the touches or not at all, such as a notification: sent as the last ones
   * before COMMIT. A statement that stands alone becomes a transaction for them. Pure, never throws. Where one of
   * them fails, the write fails.
   */
  accompany?(touches: readonly Touch[]): readonly CompiledQuery[];
}

/** A touch and who understands it. */
export interface Touched {
  readonly watcher: WriteWatcher;
  readonly touch: Touch;
}

/** Nothing, for everybody: a statement that reads costs no array. */
export const untouched: readonly Touched[] = [];

/** Who watches the writes of one provider. */
export class WriteWatch {
  readonly #logger: Logger;
  #watchers: readonly WriteWatcher[] = [];

  /** @param logger hears of watchers that fail */
  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Those who watch; another array whenever they change. */
  get watchers(): readonly WriteWatcher[] {
    return this.#watchers;
  }

  /** Whether nobody watches. */
  get isIdle(): boolean {
    return this.#watchers.length === 0;
  }

  /** @returns what ends it */
  add(watcher: WriteWatcher): () => void {
    this.#watchers = [...this.#watchers, watcher];
    return () => {
      this.#watchers = this.#watchers.filter((other) => other !== watcher);
    };
  }

  /** Says what a statement touches, for each watcher. */
  touchedBy(query: CompiledQuery): readonly Touched[] {
    let touched: Touched[] | undefined;
    for (const watcher of this.#watchers) {
      const touch = watcher.touchedBy(query);
      if (touch !== undefined) (touched ??= []).push({ watcher, touch });
    }
    return touched ?? untouched;
  }

  /** What is sent with touches before they are committed. */
  accompany(touched: readonly Touched[]): readonly CompiledQuery[] {
    return [...this.#group(touched)].flatMap(([watcher, touches]) => watcher.accompany?.(touches) ?? []);
  }

  /**
   * Runs what lets touches take effect, and tells the watchers before its caller hears of the outcome.
   *
   * @param outcomeOf what an error of it means
   */
  async settle<Result>(
    touched: readonly Touched[],
    effect: () => Promise<Result>,
    outcomeOf: (error: unknown) => WriteOutcome,
  ): Promise<Result> {
    const hear = this.begin(touched);
    let result: Result;
    try {
      result = await effect();
    } catch (error) {
      await hear(outcomeOf(error));
      throw error;
    }
    await hear('kept');
    return result;
  }

  /** Tells the watchers that touches are about to take effect. What it returns never rejects. */
  begin(touched: readonly Touched[]): (outcome: WriteOutcome) => Promise<void> {
    const hearing = [...this.#group(touched)].map(([watcher, touches]) => watcher.committing(touches));
    return async (outcome) => {
      await Promise.all(hearing.map((hear) => this.#tell(hear, outcome)));
    };
  }

  /** Whoever has ended their watching meanwhile hears no more. */
  #group(touched: readonly Touched[]): ReadonlyMap<WriteWatcher, readonly Touch[]> {
    const touches = new Map<WriteWatcher, Touch[]>();
    for (const { watcher, touch } of touched) {
      const own = touches.get(watcher);
      if (own !== undefined) own.push(touch);
      else if (this.#watchers.includes(watcher)) touches.set(watcher, [touch]);
    }
    return touches;
  }

  async #tell(hear: HearOutcome, outcome: WriteOutcome): Promise<void> {
    try {
      await hear(outcome);
    } catch (error) {
      this.#logger.error({ error }, 'a watcher of writes failed; what was written stands');
    }
  }
}

const watchByProvider = new WeakMap<object, WriteWatch>();

/** Lets `watchWrites` find the watch of a provider. */
export function bindWriteWatch(provider: object, watch: WriteWatch): void {
  watchByProvider.set(provider, watch);
}

/**
 * Watches everything that a provider writes: prepared queries and repositories, batches, streams, Kysely's builder
 * and its transactions, kept connections, units of work, and what takes part in their commits. What another process
 * writes, or a function that a SELECT calls, nobody sees here. Statements that stand alone and were sent before the
 * watching began are not seen: begin before the first one.
 *
 * @param provider a `DatabaseProvider`
 * @param watcher one of any number
 * @returns ends the watching; undefined where it is no provider that can be watched
 */
export function watchWrites(provider: object, watcher: WriteWatcher): (() => void) | undefined {
  return watchByProvider.get(provider)?.add(watcher);
}

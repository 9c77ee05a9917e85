import { CacheLoadTimeoutError } from '../foundation/errors/cache-errors.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Logger } from '../foundation/logger.ts';
import { within } from '../foundation/within.ts';
import { outside } from '../provider/transaction-context.ts';
import { AnswerFlights } from './answer-flights.ts';
import type { CacheRegion } from './cache-region.ts';
import type { CacheEntry, CacheMiss, CacheQuestion, CacheStore } from './cache-store.ts';
import type { CachedTerms } from './cached-terms.ts';
import { copyRaw, freezeAnswer } from './freeze-answer.ts';
import { sizeOfRaw } from './size-of-raw.ts';
import type { Stamps } from './stamps.ts';

/** How a question is answered where nothing is kept. */
export interface CacheLoader {
  readonly region: CacheRegion;
  readonly terms: CachedTerms;
  readonly load: () => Promise<unknown>;
}

/** What answers are made of. */
export interface CacheAnswersParts {
  readonly stamps: Stamps;
  readonly store: CacheStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keeps reads from being answered by a replica that is behind what was committed until now. */
  readonly noteForeign: () => void;
}

/** Answers questions by what is kept, and keeps what is loaded, where nothing has changed in between. */
export class CacheAnswers {
  readonly #parts: CacheAnswersParts;
  readonly #flights = new AnswerFlights<CacheEntry>();

  constructor(parts: CacheAnswersParts) {
    this.#parts = parts;
  }

  /** The entry of a key, where it is at hand, valid and fresh. */
  at(key: string): CacheEntry | undefined {
    const { stamps, store, clock } = this.#parts;
    const entry = store.at?.(key);
    if (entry === undefined || stamps.stampOf(entry.slots) !== entry.stamp) return undefined;
    return clock.monotonic() < entry.freshUntil ? entry : undefined;
  }

  /** Answers a question that is not at hand. */
  ask(question: CacheQuestion, loader: CacheLoader): Promise<unknown> {
    const stamp = this.#parts.stamps.stampOf(question.slots);
    if (stamp === undefined) return this.#loadUncached(question, loader);
    const now = this.#parts.clock.monotonic();
    const found = this.#parts.store.read(question, stamp, now);
    return found instanceof Promise
      ? found.then((later) => this.#answer(question, loader, stamp, now, later))
      : this.#answer(question, loader, stamp, now, found);
  }

  #answer(
    question: CacheQuestion,
    loader: CacheLoader,
    stamp: number,
    now: number,
    found: CacheEntry | CacheMiss,
  ): Promise<unknown> {
    const { counts } = loader.region;
    if (!found.isHit) return this.#miss(question, loader, stamp, found.fence);
    if (now < found.freshUntil) counts.hits += 1;
    else {
      counts.staleServed += 1;
      this.#renew(question, loader, stamp, found.fence);
    }
    return Promise.resolve(giveEntry(found, { answer: (raw) => question.decode(raw) }));
  }

  async #miss(question: CacheQuestion, loader: CacheLoader, stamp: number, fence: unknown): Promise<unknown> {
    const { counts } = loader.region;
    counts.misses += 1;
    const flight = this.#flights.find(question.key, stamp);
    if (flight !== undefined) counts.joined += 1;
    const entry = await (flight?.answer ?? this.#fly(question, loader, stamp, fence));
    return giveEntry(entry, { answer: (raw) => question.decode(raw) });
  }

  /** Behind the caller, who has an answer. */
  #renew(question: CacheQuestion, loader: CacheLoader, stamp: number, fence: unknown): void {
    if (this.#flights.find(question.key, stamp) !== undefined) return;
    outside(() => this.#fly(question, loader, stamp, fence)).catch((error: unknown) =>
      this.#parts.logger.warn({ error, region: question.region }, 'a cached answer could not be read anew'),
    );
  }

  #fly(question: CacheQuestion, loader: CacheLoader, stamp: number, fence: unknown): Promise<CacheEntry> {
    const { loadTimeout } = loader.terms;
    return this.#flights.begin(question.key, stamp, async () => {
      const loading = this.#load(question, loader, stamp, fence);
      const entry = await within(this.#parts.clock, loadTimeout, loading);
      if (entry === undefined) throw new CacheLoadTimeoutError(question.region, loadTimeout);
      return entry;
    });
  }

  async #load(
    question: CacheQuestion,
    loader: CacheLoader,
    stamp: number,
    fence: unknown,
  ): Promise<CacheEntry> {
    const { counts } = loader.region;
    counts.loads += 1;
    // What is kept where others look has to be as new as the counts of their changes, of which nobody may have told here.
    if (fence !== undefined) this.#parts.noteForeign();
    let entry: CacheEntry;
    try {
      entry = this.#entryOf(question, loader, stamp, await loader.load());
    } catch (error) {
      counts.failures += 1;
      this.#parts.store.giveUp?.(question, fence);
      throw error;
    }
    // Where it does not hold any more, the answer is for those alone who asked before the change.
    const holds = this.#parts.stamps.stampOf(question.slots) === stamp;
    if (!holds) counts.refusedStores += 1;
    if (holds && entry.staleUntil > entry.storedAt) await this.#keep(question, loader, entry, fence);
    else this.#parts.store.giveUp?.(question, fence);
    return entry;
  }

  #keep(
    question: CacheQuestion,
    { region: { counts } }: CacheLoader,
    entry: CacheEntry,
    fence: unknown,
  ): void | Promise<void> {
    const kept = this.#parts.store.store(question, entry, fence);
    if (kept instanceof Promise) {
      void kept.then((isKept) => (counts.refusedStores += isKept ? 0 : 1));
    }
  }

  #entryOf(question: CacheQuestion, { region, terms }: CacheLoader, stamp: number, raw: unknown): CacheEntry {
    const value = question.decode(raw);
    const isRemade = !freezeAnswer(value);
    const storedAt = this.#parts.clock.monotonic();
    const isNothing = raw === undefined;
    const ttl = (isNothing ? terms.negativeTtl : terms.ttl) * (1 - terms.jitter * Math.random());
    const freshUntil = storedAt + ttl;
    return {
      isHit: true,
      region: region.name,
      tier: this.#parts.store.tier,
      value: isRemade ? undefined : value,
      raw,
      isRemade,
      slots: question.slots,
      stamp,
      storedAt,
      freshUntil,
      staleUntil: isNothing ? freshUntil : freshUntil + terms.staleFor,
      bytes: sizeOfRaw(raw),
    };
  }

  async #loadUncached(question: CacheQuestion, { region, load }: CacheLoader): Promise<unknown> {
    region.counts.uncached += 1;
    const value = question.decode(await load());
    freezeAnswer(value);
    return value;
  }
}

/**
 * What a caller is given of an entry.
 *
 * @param reader makes the answer anew where it cannot be shared
 */
export function giveEntry(
  { value, raw, isRemade }: CacheEntry,
  reader: { answer(raw: unknown): unknown },
): unknown {
  if (isRemade) return reader.answer(copyRaw(raw));
  // The caller's own list: some sort it in place.
  return Array.isArray(value) ? value.slice() : value;
}

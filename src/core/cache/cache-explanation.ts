import type { CacheEntry, CacheQuestion } from './cache-store.ts';
import type { Stamps } from './stamps.ts';

/** Why a question is answered as it is. */
export interface CacheExplanation {
  /** What it is counted under. */
  readonly region: string;
  /** What would happen now: a kept answer, one that is past its age, a read of the database, or a read past the cache. */
  readonly answer: 'hit' | 'stale' | 'miss' | 'uncached';
  /** Why, in a sentence. It holds no value of the key. */
  readonly reason: string;
  /** The store that has an entry; undefined where none has. */
  readonly tier: string | undefined;
  /** For how long the entry is kept, in ms. */
  readonly age: number | undefined;
  /** How many changes of what the entry depends on there were since it was read. */
  readonly changes: number | undefined;
  /** The slots that the answer depends on, and which of them are closed by a commit that is under way. */
  readonly slots: readonly { readonly slot: number; readonly isClosed: boolean }[];
}

/** Explains what would become of a question. */
export function explainAnswer(
  question: Pick<CacheQuestion, 'region' | 'slots'>,
  entry: CacheEntry | undefined,
  stamps: Stamps,
  now: number,
): CacheExplanation {
  const stamp = stamps.stampOf(question.slots);
  const base = {
    region: question.region,
    tier: entry?.tier,
    age: entry && Math.max(0, now - entry.storedAt),
    changes: entry && stamp === undefined ? undefined : entry && stamp! - entry.stamp,
    slots: question.slots.map((slot) => ({ slot, isClosed: stamps.isClosed(slot) })),
  };
  if (stamp === undefined) {
    return {
      ...base,
      answer: 'uncached',
      reason: 'a commit that may change it is under way, or the bus is away',
    };
  }
  if (entry === undefined) return { ...base, answer: 'miss', reason: 'it is not kept' };
  if (entry.stamp !== stamp)
    return { ...base, answer: 'miss', reason: 'something that it depends on has changed' };
  if (now < entry.freshUntil) return { ...base, answer: 'hit', reason: 'it is kept and fresh' };
  if (now < entry.staleUntil) {
    return { ...base, answer: 'stale', reason: 'it is past its age, given once more and read anew' };
  }
  return { ...base, answer: 'miss', reason: 'it is too old' };
}

import { decodeAnswer, encodeAnswer, type AnswerLife } from '../answer-codec.ts';
import type { CacheEntry, CacheQuestion } from '../cache-store.ts';
import { freezeAnswer } from '../freeze-answer.ts';
import { closePayload, openPayload, type PayloadPlace, type PayloadSeal } from './payload-seal.ts';
import { sizeOfRaw } from '../size-of-raw.ts';
import { everySlot } from '../stamps.ts';

/** The stamps of the server before an answer is loaded, and the lock of whoever loads it. */
export interface RedisFence {
  readonly incarnation: string;
  readonly sum: string;
  /** Empty where there is no lock. */
  readonly token: string;
  /** How far the clock of the server is ahead of that of ages, in ms, less the time that its answer took. */
  readonly ahead: number;
}

/** What the server has of an answer. */
export interface RedisPayload {
  readonly payload: string;
  /** How much longer it is kept, in ms. */
  readonly left: number;
}

/** Under which stamps a payload lies, and who may open it. */
export interface RedisPlace {
  readonly fence: RedisFence;
  readonly seal: PayloadSeal | undefined;
}

/** Whether a miss had one: elsewhere the server was not asked, or could count nothing. */
export function isFence(fence: unknown): fence is RedisFence {
  return typeof fence === 'object' && fence !== null && (fence as Partial<RedisFence>).incarnation !== '';
}

/** The slots that an answer depends on, as the scripts are told them. */
export function slotsText({ slots }: CacheQuestion): string {
  return [everySlot, ...slots].join(' ');
}

/**
 * Reads what the server has, whoever has written it.
 *
 * @param asked the stamp of this process and the time, as they were before the server was asked
 * @returns the entry; undefined where it is none, or none of this question
 */
export function readEntry(
  question: CacheQuestion,
  { payload, left }: RedisPayload,
  { fence, seal }: RedisPlace,
  asked: { readonly stamp: number; readonly now: number; readonly tier: string },
): CacheEntry | undefined {
  const text = openPayload(payload, placeOf(question, fence), seal);
  const answer = text === undefined ? undefined : decodeAnswer(text, question.definition);
  const value = answer && valueOf(question, answer.raw);
  // The server gives it no longer than it was to be given; who has set another time there has not come by `store`.
  if (answer === undefined || value === undefined || left > answer.life.whole) return undefined;
  const { raw, life } = answer;
  const isRemade = !freezeAnswer(value.decoded);
  const staleUntil = asked.now + left;
  return {
    isHit: true,
    region: question.region,
    tier: asked.tier,
    value: isRemade ? undefined : value.decoded,
    raw,
    isRemade,
    slots: question.slots,
    stamp: asked.stamp,
    storedAt: staleUntil - life.whole,
    freshUntil: staleUntil - life.stale,
    staleUntil,
    bytes: sizeOfRaw(raw),
    fence,
  };
}

/**
 * Writes what the server is to keep of an answer.
 *
 * @returns undefined where it holds what would not come back
 * @throws what the seal throws
 */
export function writePayload(
  question: CacheQuestion,
  { raw }: CacheEntry,
  life: AnswerLife,
  { fence, seal }: RedisPlace,
): string | undefined {
  const text = encodeAnswer(raw, life, question.definition);
  return text === undefined ? undefined : closePayload(text, placeOf(question, fence), seal);
}

/** Bound to the stamps as well: an older payload of the same key does not open under newer ones. */
function placeOf(question: CacheQuestion, { incarnation, sum }: RedisFence): PayloadPlace {
  const row = [question.sharedKey(), incarnation, slotsText(question), sum];
  return { table: question.definition.table, column: 'cache', row };
}

/** A row that its mapper refuses is none that was kept by this version. */
function valueOf(question: CacheQuestion, raw: unknown): { readonly decoded: unknown } | undefined {
  try {
    return { decoded: question.decode(raw) };
  } catch {
    return undefined;
  }
}

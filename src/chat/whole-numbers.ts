import { defineValueObject } from '../core/domain/index.ts';

/** A time in ms since the Unix epoch: a whole number from 0. */
export const EpochMillis = defineValueObject({
  name: 'EpochMillis',
  normalize: asNumber,
  rules: [[(value) => Number.isSafeInteger(value) && value >= 0, 'must be a whole number of ms from 0']],
});

/** A version or a place in a sequence: a whole number from 1, within what a Postgres integer holds. */
export const Counter = defineValueObject({
  name: 'Counter',
  normalize: asNumber,
  rules: [
    [
      (value) => Number.isSafeInteger(value) && value >= 1 && value <= 0x7fffffff,
      'must be a whole number from 1 to 2,147,483,647',
    ],
  ],
});

/**
 * The time of a change: now, but never before the change that it follows, since a wall clock may go back.
 *
 * @throws ValidationError where `now` is no time
 */
export function laterOf(previous: number, now: number): number {
  return Math.max(previous, EpochMillis.parse(now));
}

function asNumber(input: unknown): number | undefined {
  return typeof input === 'number' ? input : undefined;
}

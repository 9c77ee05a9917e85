import type { Random } from '../../src/core/testing/seeded-random.ts';

export { pickSeed, seededRandom, type Random } from '../../src/core/testing/seeded-random.ts';

/** An integer from `low` up to and without `high`. */
export function integerBetween(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low));
}

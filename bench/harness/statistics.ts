/** The middle of many measurements, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  /** A quarter of the measurements lies below. */
  readonly low: number;
  /** A quarter of the measurements lies above. */
  readonly high: number;
}

/** @param numbers at least one */
export function spreadOf(numbers: readonly number[]): Spread {
  return { median: quantile(numbers, 0.5), low: quantile(numbers, 0.25), high: quantile(numbers, 0.75) };
}

/**
 * The number below which a share of them lies; between two of them it is drawn as a line.
 *
 * @param numbers at least one, in any order
 * @param share from 0 to 1
 */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

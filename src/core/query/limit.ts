import type { Issue } from '../foundation/issue.ts';

/** A number of rows that a caller asks for: what it is called, and its range. */
export interface LimitRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

/**
 * Checks a number of rows.
 *
 * @param limit what the caller wrote
 * @param rule the option's name and range
 * @param issues receives the fault of what is no integer in the range
 * @returns the number; the least of the range where it does not fit
 */
export function checkLimit(limit: unknown, { name, min, max }: LimitRule, issues: Issue[]): number {
  if (Number.isInteger(limit) && (limit as number) >= min && (limit as number) <= max) return limit as number;
  issues.push({ path: [name], message: `must be an integer from ${min} to ${max}` });
  return min;
}

import type { Issue } from '../../foundation/issue.ts';

/** Adds a fault where a value is no integer of a range. */
export function checkWhole(
  issues: Issue[],
  path: Issue['path'],
  value: number,
  least: number,
  most: number,
): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  issues.push({ path, message: `must be an integer from ${least} to ${most}` });
}

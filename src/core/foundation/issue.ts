/** One fault found in a value that came from outside. */
export interface Issue {
  /** Where the fault lies, from the outside in: `['pool', 'max']`. Empty for the value as a whole. */
  readonly path: readonly (string | number)[];
  /** What is wrong and what would be right. It never repeats the value. */
  readonly message: string;
}

/**
 * Renders faults for a person, a line each.
 *
 * @param issues the faults, in the order in which they are to be read
 * @returns lines such as `pool.max: must be an integer from 1 to 10000`; never throws
 */
export function formatIssues(issues: readonly Issue[]): string {
  return issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('\n');
}

/**
 * A busy machine makes many statements slow, and without a logger each slow one is a line on the console: it says
 * nothing of what a test is about.
 */
const slowQueryLine = /^(?:slow query|query waited long) \{/u;

/** Whether a line of the console tells of a slow query. */
export function isSlowQueryLine(line: string): boolean {
  return slowQueryLine.test(line);
}

/** @returns what a program wrote, without its lines of slow queries */
export function withoutSlowQueryLines(output: string): string {
  return output
    .split(/(?<=\n)/u)
    .filter((line) => !isSlowQueryLine(line))
    .join('');
}

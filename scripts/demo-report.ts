/** What the demo did and how fast it was, and the table of it. */
import { systemClock } from '../src/core/index.ts';

const number = new Intl.NumberFormat('en');

/** One line of the table. */
interface Task {
  readonly what: string;
  readonly count: number;
  readonly unit: string;
  /** In ms. */
  readonly duration: number;
}

/** Times the parts of the demo. */
export class DemoReport {
  readonly #tasks: Task[] = [];

  /**
   * Runs a part and times it.
   *
   * @param what it does, for the table
   * @param unit of what it counts
   * @param work gives the result, and how many of the unit it dealt with
   */
  async time<Result>(
    what: string,
    unit: string,
    work: () => Promise<{ readonly count: number; readonly result: Result }>,
  ): Promise<Result> {
    const start = systemClock.monotonic();
    const { count, result } = await work();
    this.#tasks.push({ what, count, unit, duration: systemClock.monotonic() - start });
    return result;
  }

  /** @returns the table, a line each */
  toLines(): string[] {
    const rows = this.#tasks.map(({ what, count, unit, duration }) => [
      what,
      `${number.format(count)} ${unit}`,
      `${number.format(Math.round(duration))} ms`,
      count <= 1 ? '' : `${number.format(Math.round((count * 1000) / duration))}/s`,
    ]);
    return alignRows(rows);
  }
}

/** Puts the cells of rows below each other: names stand left, and numbers right. */
export function alignRows(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]?.map((_, column) => column) ?? [];
  const widths = columns.map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}

/** Writes a whole number with its thousands set apart. */
export function formatCount(count: number): string {
  return number.format(count);
}

/** The last lines of several test runs, as those of one. */

const outcomes = /^(\d+) passed, (\d+) failed, (\d+) skipped$/;
/** `postgres 18.4 embedded (12 tests)`, or `postgres (switched off)`. */
const database = /^(\S+)( .*)? \((?:(\d+) tests|switched off)\)$/;

interface Database {
  label: string;
  /** Undefined where it is switched off. */
  tests: number | undefined;
}

export class TestSummary {
  readonly #outcomes = [0, 0, 0];
  readonly #databases = new Map<string, Database>();
  readonly #notRun = new Set<string>();

  /** Keeps a line for the end. @returns whether it belongs there */
  take(line: string): boolean {
    if (line.startsWith('not run: ')) {
      this.#notRun.add(line);
      return true;
    }
    if (line.startsWith('databases: ')) {
      for (const part of line.slice('databases: '.length).split(', ')) this.#addDatabase(part);
      return true;
    }
    const counts = outcomes.exec(line)?.slice(1).map(Number);
    counts?.forEach((count, outcome) => (this.#outcomes[outcome]! += count));
    return counts !== undefined;
  }

  /** Prints them, the counts last. */
  print(): void {
    const databases = [...this.#databases.values()].map(({ label, tests }) =>
      tests === undefined ? `${label} (switched off)` : `${label} (${tests} tests)`,
    );
    console.log(`\ndatabases: ${databases.join(', ')}`);
    for (const line of this.#notRun) console.log(line);
    const [passed, failed, skipped] = this.#outcomes;
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  }

  #addDatabase(part: string): void {
    const [, name, version = '', count] = database.exec(part) ?? [];
    if (name === undefined) return;
    const known = this.#databases.get(name);
    const tests = count === undefined ? undefined : (known?.tests ?? 0) + Number(count);
    // A process in which no test asked for it knows no version.
    const label = version === '' ? (known?.label ?? name) : `${name}${version}`;
    this.#databases.set(name, { label, tests });
  }
}

/**
 * The report of a test run: a line for each test file, every failure in full, then which databases took
 * part, what could not run here, and as the very last line `N passed, N failed, N skipped`.
 */
import { relative } from 'node:path';
import Mocha from 'mocha';
import { databaseNames, isSwitchedOff, type DatabaseName } from './engines.ts';
import { getPostgresLabel } from './postgres-server.ts';

const { Base } = Mocha.reporters;
const { EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_SUITE_END, EVENT_RUN_END } =
  Mocha.Runner.constants;

const notRun: string[] = [];

/**
 * Says by name what a bare machine cannot test, for example Redis; the test itself is then not declared.
 *
 * @param what - The test or group of tests that did not run.
 * @param why - What is missing, and how to provide it.
 */
export function reportNotRun(what: string, why: string): void {
  notRun.push(`not run: ${what} (${why})`);
}

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  durationMs: number;
}

export default class CompactReporter extends Base {
  readonly #total = emptyTally();
  readonly #perDatabase = new Map<DatabaseName, number>();
  #file: { path: string; tally: Tally } | undefined;

  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    runner.on(EVENT_TEST_PASS, (test) => this.#count(test, 'passed'));
    runner.on(EVENT_TEST_FAIL, (test) => this.#count(test, 'failed'));
    runner.on(EVENT_TEST_PENDING, (test) => this.#count(test, 'skipped'));
    runner.on(EVENT_SUITE_END, (suite) => {
      if (suite.root) this.#printFile();
    });
    runner.on(EVENT_RUN_END, () => {
      if (this.failures.length > 0) Base.list(this.failures);
    });
  }

  /** Mocha calls it after the global teardown, so nothing of ours can print behind the last line. */
  override done(failures: number, finish?: (failures: number) => void): void {
    console.log(`\ndatabases: ${databaseNames.map((name) => this.#describeDatabase(name)).join(', ')}`);
    for (const line of notRun) console.log(line);
    const { passed, failed, skipped } = this.#total;
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    finish?.(failures);
    failOnOpenHandles();
  }

  #count(test: Mocha.Test | Mocha.Hook, outcome: 'passed' | 'failed' | 'skipped'): void {
    const path = test.file === undefined ? '(no file)' : relative(process.cwd(), test.file);
    if (path !== this.#file?.path) {
      this.#printFile();
      this.#file = { path, tally: emptyTally() };
    }
    for (const tally of [this.#file.tally, this.#total]) {
      tally[outcome] += 1;
      tally.durationMs += test.duration ?? 0;
    }
    const database = outcome === 'skipped' ? undefined : findDatabase(test.parent);
    if (database !== undefined) {
      this.#perDatabase.set(database, (this.#perDatabase.get(database) ?? 0) + 1);
    }
  }

  #printFile(): void {
    if (this.#file === undefined) return;
    const { path, tally } = this.#file;
    const parts = [`${tally.passed} passed`];
    if (tally.failed > 0) parts.push(`${tally.failed} FAILED`);
    if (tally.skipped > 0) parts.push(`${tally.skipped} skipped`);
    console.log(`${path}  ${parts.join(', ')}  (${tally.durationMs} ms)`);
    this.#file = undefined;
  }

  #describeDatabase(name: DatabaseName): string {
    const tests = this.#perDatabase.get(name) ?? 0;
    if (isSwitchedOff(name)) return `${name} (switched off)`;
    return `${name === 'postgres' ? getPostgresLabel() : name} (${tests} tests)`;
  }
}

function emptyTally(): Tally {
  return { passed: 0, failed: 0, skipped: 0, durationMs: 0 };
}

function findDatabase(suite: Mocha.Suite | undefined): DatabaseName | undefined {
  for (let current = suite; current !== undefined; current = current.parent) {
    const { title } = current;
    const name = databaseNames.find((candidate) => title.endsWith(`[${candidate}]`));
    if (name !== undefined) return name;
  }
  return undefined;
}

/** A connection that nobody closed would keep the process alive for ever: that is a failure, not a hang. */
function failOnOpenHandles(): void {
  const graceMs = 10_000;
  setTimeout(() => {
    console.error(`The process does not end: ${process.getActiveResourcesInfo().join(', ')} left open.`);
    process.exit(1);
  }, graceMs).unref();
}

import type * as FastCheck from 'fast-check';
import { systemClock, type Clock } from '../../foundation/clock.ts';
import { within } from '../../foundation/within.ts';
import { assertNotProduction } from '../assert-not-production.ts';
import { loadFastCheck } from '../load-fast-check.ts';
import { pickSeed } from '../seeded-random.ts';
import { arbitraryHistory, type EscapeHistory } from './escape-history.ts';
import { EscapeLedger, type EscapeFault, type EscapeFaultKind } from './escape-ledger.ts';
import type { EscapeSubject } from './escape-subject.ts';
import { runHistory } from './run-history.ts';

/** How much the escape check does. */
export interface EscapeOptions {
  /** How many histories are run, from 1. 1,000 by default. */
  readonly histories?: number;
  /** Makes the same histories again; an integer. A random one by default, which the report tells. */
  readonly seed?: number;
  /** Of an earlier counterexample, with its seed: runs that one history alone. */
  readonly path?: string;
  /** How long one history may take before it counts as hung, in ms of real time. 5,000 by default. */
  readonly watchdog?: number;
  /** How long a smaller counterexample is looked for, in ms. 5,000 by default; 0 keeps the first one. */
  readonly shrinkFor?: number;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/** A history that failed, as small as could be found. */
export interface EscapeCounterexample {
  /** What is wrong with it. */
  readonly faults: readonly EscapeFault[];
  /** What happened, line by line, in its order. */
  readonly trace: readonly string[];
  /** The scripts, as JSON. */
  readonly history: string;
  /** Runs it again, beside the seed. What the database decides by its own timing may come out otherwise. */
  readonly path: string;
}

/** What the escape check found. */
export interface EscapeReport {
  /** How many histories ran. */
  readonly histories: number;
  /** Histories with a row that is stored and must not be. */
  readonly escaped: number;
  /** Histories in which an acknowledged row of a committed scope is missing. */
  readonly lost: number;
  /** Histories that did not end in time. */
  readonly hangs: number;
  /** Histories with a hook that was called wrongly. */
  readonly misfired: number;
  /** Histories in which a caller got another error than the first. */
  readonly masked: number;
  /** Makes the same histories again. */
  readonly seed: number;
  /** The smallest history found that fails; undefined where none did. */
  readonly counterexample: EscapeCounterexample | undefined;
}

interface Failure {
  readonly faults: readonly EscapeFault[];
  readonly trace: readonly string[];
}

/** A history runs by the machine's timing as well, so that a smaller one is given more than one chance to fail. */
const attemptsWhileShrinking = 3;

/**
 * Runs random histories of transactions against a database, interleaved by a scheduler, and compares the table with
 * a model after each: exactly those rows that were acknowledged in scopes that were kept, all the way out; no
 * hang; hooks called once where they should be; the first error told. It does not throw where it finds something:
 * hold the report against what you expect.
 *
 * What runs in a history: inserts, awaited or not; statements that fail, told or swallowed; throws; branches by
 * `Promise.all` and `allSettled`; streams, also broken off; nested scopes, also at once; hooks; the root handle
 * inside of a transaction; and queries after the end.
 *
 * @param subject the database; `kyselyEscapeSubject` makes one
 * @param options counts, seed and limits
 * @returns what was found
 * @throws ConfigurationError where fast-check is not installed, or with `NODE_ENV=production`; and what `reset`,
 *   `rows` and `restart` of the subject throw
 * @example
 * const report = await checkEscape(kyselyEscapeSubject(provider), { histories: 1_000 });
 * if (report.counterexample !== undefined) throw new Error(report.counterexample.trace.join('\n'));
 */
export async function checkEscape(
  subject: EscapeSubject,
  options: EscapeOptions = {},
): Promise<EscapeReport> {
  assertNotProduction();
  const fc = await loadFastCheck();
  await subject.reset();
  const { histories = 1_000, seed = pickSeed(), path, shrinkFor = 5_000 } = options;
  const runner = new HistoryRunner(subject, options);
  const counts: Record<EscapeFaultKind, number> = { escaped: 0, lost: 0, hung: 0, misfired: 0, masked: 0 };
  let first: (Failure & { readonly index: number; readonly history: EscapeHistory }) | undefined;
  let count = 0;
  const arbitraries = [arbitraryHistory(fc), fc.scheduler()] as const;
  const search = fc.asyncProperty(...arbitraries, async (history, scheduler) => {
    // Behind the history of a path fast-check would go on with its neighbours.
    if (runner.isStuck || (path !== undefined && count > 0)) return;
    const { faults, trace } = await runner.run(history, scheduler);
    for (const kind of new Set(faults.map((fault) => fault.kind))) counts[kind] += 1;
    if (faults.length > 0) first ??= { faults, trace, history, index: count };
    count += 1;
  });
  await fc.check(search, path === undefined ? { seed, numRuns: histories } : { seed, path, numRuns: 1 });
  let counterexample: EscapeCounterexample | undefined;
  if (first !== undefined) {
    const at = path ?? String(first.index);
    counterexample = { ...describe(first, first.history), path: at };
    const isWorthIt = path === undefined && shrinkFor > 0 && !runner.isStuck;
    if (isWorthIt) counterexample = (await shrink(fc, runner, { seed, at, shrinkFor })) ?? counterexample;
  }
  const { escaped, lost, hung: hangs, misfired, masked } = counts;
  return { histories: count, escaped, lost, hangs, misfired, masked, seed, counterexample };
}

/** Looks for a smaller history that fails as well. */
async function shrink(
  fc: typeof FastCheck,
  runner: HistoryRunner,
  { seed, at, shrinkFor }: { readonly seed: number; readonly at: string; readonly shrinkFor: number },
): Promise<EscapeCounterexample | undefined> {
  let smallest: Failure | undefined;
  const property = fc.asyncProperty(arbitraryHistory(fc), fc.scheduler(), async (history, scheduler) => {
    for (let attempt = 0; attempt < attemptsWhileShrinking && !runner.isStuck; attempt += 1) {
      const again = attempt === 0 ? scheduler : fc.cloneIfNeeded(scheduler);
      const failure = await runner.run(history, again);
      if (failure.faults.length === 0) continue;
      smallest = failure;
      throw new Error('fails');
    }
  });
  const found = await fc.check(property, {
    seed,
    path: at,
    numRuns: 1,
    interruptAfterTimeLimit: shrinkFor,
    markInterruptAsFailure: false,
  });
  if (smallest === undefined || found.counterexample === null) return undefined;
  return { ...describe(smallest, found.counterexample[0]), path: found.counterexamplePath ?? at };
}

function describe({ faults, trace }: Failure, history: EscapeHistory): Omit<EscapeCounterexample, 'path'> {
  return { faults, trace, history: JSON.stringify(history) };
}

/** Runs one history after the other on one subject. Their rows never share an id, so that the table may grow. */
class HistoryRunner {
  readonly #subject: EscapeSubject;
  readonly #watchdog: number;
  readonly #clock: Clock;
  #nextId = 1;
  #isStuck = false;

  constructor(subject: EscapeSubject, { watchdog = 5_000, clock = systemClock }: EscapeOptions) {
    this.#subject = subject;
    this.#watchdog = watchdog;
    this.#clock = clock;
  }

  /** A history hung, and there is no way to start again. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  async run(history: EscapeHistory, scheduler: FastCheck.Scheduler): Promise<Failure> {
    const ledger = new EscapeLedger(this.#nextId);
    const gate = async (label: string) => {
      await scheduler.schedule(Promise.resolve(), label);
    };
    const work = scheduler.waitFor(runHistory(this.#subject, history, ledger, gate)).then(() => true);
    const hasEnded = await within(this.#clock, this.#watchdog, work);
    this.#nextId = ledger.nextId;
    if (hasEnded === true) {
      const faults = ledger.judge(await this.#subject.rows(ledger.firstId));
      return { faults, trace: ledger.trace };
    }
    ledger.fault('hung', `something did not end within ${this.#watchdog} ms`);
    if (this.#subject.restart === undefined) this.#isStuck = true;
    else await this.#startAgain(this.#subject.restart.bind(this.#subject));
    return { faults: ledger.faults, trace: [...ledger.trace] };
  }

  async #startAgain(restart: () => Promise<void>): Promise<void> {
    await restart();
    await this.#subject.reset();
  }
}

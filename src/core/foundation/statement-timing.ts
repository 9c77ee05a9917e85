import type { Clock } from './clock.ts';

/**
 * Tells the time that a statement waits from the time in which it runs. Whoever lets it wait says so: for a connection,
 * or for its turn on one. It stands there only where somebody listens to statements.
 */
export class StatementTiming {
  readonly #clock: Clock;
  #waited = 0;
  #waitingSince: number | undefined;

  /** @param clock the one that the statement is timed by */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From here on it waits. Harmless where it waits already. */
  startWait(): void {
    this.#waitingSince ??= this.#clock.monotonic();
  }

  /** Its wait is over. Harmless where it does not wait. */
  endWait(): void {
    if (this.#waitingSince === undefined) return;
    this.#waited += this.#clock.monotonic() - this.#waitingSince;
    this.#waitingSince = undefined;
  }

  /**
   * How long it has waited, in ms. Who has never got what it waited for has waited to the end.
   *
   * @param end when the statement was over, on the monotonic clock
   */
  waitedUntil(end: number): number {
    return this.#waitingSince === undefined ? this.#waited : this.#waited + (end - this.#waitingSince);
  }
}

/**
 * Waits for what a statement needs before it can run.
 *
 * @param timing undefined where nobody listens
 * @param wait what is waited for; where it fails, the statement has waited to its end
 */
export async function timeWait<Result>(
  timing: StatementTiming | undefined,
  wait: () => Promise<Result>,
): Promise<Result> {
  timing?.startWait();
  // Awaited here: behind a promise that is handed on, the stack of a leak would not show its caller.
  const result = await wait();
  timing?.endWait();
  return result;
}

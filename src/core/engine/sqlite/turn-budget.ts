/** The longest that statements may follow each other without a turn of the event loop, in ms. */
const longestRun = 10;

/**
 * Lets timers and sockets have their turn where statements have run for a while: everything around a
 * statement happens in microtasks, so a row of them would keep the event loop from turning until its end.
 *
 * Who has given way comes before whoever asks later, in the order of asking. Otherwise those who were served in
 * one turn would be the first of the next one as well, and the others would wait for ever.
 */
export class TurnBudget {
  /** When the first statement since the last turn of the event loop came. */
  #since: number | undefined;
  #now = 0;
  #number = 0;
  /** Those who wait, of whom the first `#served` are gone. */
  #waiting: (() => void)[] = [];
  #served = 0;
  readonly #reset = () => {
    this.#since = undefined;
    this.#number += 1;
  };

  /** Changes with every turn of the event loop in which statements ran. */
  get number(): number {
    return this.#number;
  }

  /** When `isSpent` was last asked, in ms of the monotonic clock. */
  get now(): number {
    return this.#now;
  }

  /** Whether the next statement has to give way. Ask once before each. */
  isSpent(): boolean {
    return this.#isTimeSpent() || this.#waiting.length > 0;
  }

  /** Waits until it is the caller's turn; whoever has waited may run one statement, without asking again. */
  giveWay(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) setImmediate(() => this.#serve());
    });
  }

  #isTimeSpent(): boolean {
    const now = performance.now();
    this.#now = now;
    if (this.#since === undefined) {
      this.#since = now;
      setImmediate(this.#reset);
      return false;
    }
    return now - this.#since > longestRun;
  }

  #serve(): void {
    if (this.#isTimeSpent()) {
      setImmediate(() => this.#serve());
      return;
    }
    const next = this.#waiting[this.#served];
    this.#served += 1;
    if (this.#served === this.#waiting.length) {
      this.#waiting = [];
      this.#served = 0;
    }
    next?.();
    // Asked for inside of a microtask, a tick comes when no microtask is left: behind the one's statement, and
    // before the event loop goes on.
    if (this.#waiting.length > 0) queueMicrotask(() => process.nextTick(() => this.#serve()));
  }
}

/** How often something may be tried again. */
export interface RetryBudgetOptions {
  /** Tries that are there from the start. */
  readonly initial: number;
  /** Tries that each call earns, such as 0.1: one more for every tenth. */
  readonly perCall: number;
  /** The most that can be saved up. */
  readonly capacity: number;
}

/**
 * A token bucket for retries: they may be a share of the traffic and no more. Where everything fails, this
 * keeps retries from multiplying the load that a database has to come back under.
 */
export class RetryBudget {
  readonly #options: RetryBudgetOptions;
  #tokens: number;

  constructor(options: RetryBudgetOptions) {
    this.#options = options;
    this.#tokens = options.initial;
  }

  /** Counts a call. */
  earn(): void {
    const { perCall, capacity } = this.#options;
    this.#tokens = Math.min(capacity, this.#tokens + perCall);
  }

  /** Puts back what was taken out for tries that led to a success: they were no waste. */
  giveBack(tries: number): void {
    this.#tokens = Math.min(this.#options.capacity, this.#tokens + tries);
  }

  /** Takes one try out. @returns whether there was one */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

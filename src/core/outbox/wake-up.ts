import type { Clock } from '../foundation/clock.ts';

/** Lets one sleeper be woken. A call is kept until it is heeded, and keeps nobody asleep. */
export class WakeUp {
  readonly #clock: Clock;
  #isCalled = false;
  #end: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  call(): void {
    this.#isCalled = true;
    this.#end?.();
  }

  /** Whether there is a call that was not heeded. */
  get isCalled(): boolean {
    return this.#isCalled;
  }

  /** Takes note of the call. @returns whether there was one */
  heed(): boolean {
    const wasCalled = this.#isCalled;
    this.#isCalled = false;
    return wasCalled;
  }

  /** Sleeps until there is a call, or for `limit` ms. */
  async sleep(limit: number): Promise<void> {
    if (this.#isCalled) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.schedule(limit, resolve);
    this.#end = resolve;
    await promise;
    this.#end = undefined;
    cancel();
  }
}

import { systemClock, type Clock } from '../../../src/core/foundation/clock.ts';

/** The machine's clock, whose monotonic time also goes on by so many ms each time that it is asked for. */
export class SteppingClock implements Clock {
  step: number;
  #time = 0;

  constructor(step: number) {
    this.step = step;
  }

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    this.#time += this.step;
    return this.#time;
  }

  schedule(delay: number, callback: () => void, options?: { readonly keepsAlive?: boolean }): () => void {
    return systemClock.schedule(delay, callback, options);
  }
}

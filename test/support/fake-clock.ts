import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/core/index.ts';

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** A clock that only moves when it is told to. */
export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>();
  #time: number;
  /** How far the wall clock is off. */
  #wallShift = 0;

  constructor(start = 1_747_000_000_000) {
    this.#time = start;
  }

  now(): number {
    return this.#time + this.#wallShift;
  }

  monotonic(): number {
    return this.#time;
  }

  schedule(delay: number, callback: () => void): () => void {
    const timer = { due: this.#time + delay, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on by `duration` ms and calls back what falls due, in its order. */
  advance(duration: number): void {
    const end = this.#time + duration;
    for (;;) {
      const [next] = [...this.#timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#time = next.due;
      next.callback();
    }
    this.#time = end;
  }

  /**
   * Moves on by `step` ms in each turn of the event loop until the work has ended, so that nothing has to be known of
   * the timers in it. How long a busy machine takes for a turn makes no difference.
   *
   * @param limit in ms, on this clock
   * @returns for how long it went on, in ms on this clock; it may be up to two steps too much
   * @throws where the work does not end within the limit; what the work throws is for whoever awaits it
   */
  async runUntil(work: Promise<unknown>, { step = 10, limit = 600_000 } = {}): Promise<number> {
    const start = this.#time;
    let hasEnded = false;
    const end = () => {
      hasEnded = true;
    };
    work.then(end, end);
    for (;;) {
      await nextTurn();
      if (hasEnded) return this.#time - start;
      if (this.#time - start > limit)
        throw new Error(`The work did not end within ${limit} ms of this clock.`);
      this.advance(step);
    }
  }

  /** Sets the wall clock and the monotonic clock to any time, also back; no timer fires. */
  jumpTo(time: number): void {
    this.#time = time;
  }

  /** Sets the wall clock alone forward or back, by `duration` ms, as somebody does who mends its time. */
  shiftWall(duration: number): void {
    this.#wallShift += duration;
  }

  /** How many timers wait: none may be left behind. */
  get pending(): number {
    return this.#timers.size;
  }
}

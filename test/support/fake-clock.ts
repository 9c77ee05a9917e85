import type { Clock } from '../../src/core/index.ts';

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** A clock that only moves when it is told to. */
export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>();
  #time: number;

  constructor(start = 1_747_000_000_000) {
    this.#time = start;
  }

  now(): number {
    return this.#time;
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

  /** Sets the wall clock and the monotonic clock to any time, also back; no timer fires. */
  jumpTo(time: number): void {
    this.#time = time;
  }

  /** How many timers wait: none may be left behind. */
  get pending(): number {
    return this.#timers.size;
  }
}

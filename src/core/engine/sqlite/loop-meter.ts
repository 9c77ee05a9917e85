import type { Clock } from '../../foundation/clock.ts';
import type { LoopBlockListener } from '../../foundation/loop-block.ts';
import type { LoopGauges } from '../engine-gauges.ts';

/** When a statement is warned of. */
export interface LoopMeterOptions {
  /** From how long on a statement is warned of, in ms; 0 for never. */
  readonly threshold: number;
  /** Says when a statement may be warned of again. What statements take is real time on any clock. */
  readonly clock: Clock;
  /** Is told of one; nobody is where it is undefined. */
  readonly onLoopBlock: LoopBlockListener | undefined;
}

/** A statement is warned of again after this, in ms. */
const silence = 60_000;

/** How many statements are remembered as warned of. */
const remembered = 100;

/** Measures for how long synchronous statements keep the event loop from turning, and warns of those that hold it long. */
export class LoopMeter {
  readonly #options: LoopMeterOptions;
  /** When each was last warned of, on the monotonic clock; the one that was warned of first comes first. */
  readonly #warnedAt = new Map<string, number>();
  /** Whether it looks at the clock at all: where nothing is warned of and nobody times statements, nobody needs it. */
  isOn: boolean;
  /** When the last statement was over, as `performance.now` had it. */
  lastEnd = 0;
  #statements = 0;
  #held = 0;
  #longest = 0;
  #blocked = 0;

  constructor(options: LoopMeterOptions) {
    this.#options = options;
    this.isOn = options.threshold > 0;
  }

  /** @returns what `performance.now` says, for `note`; 0 where it is off */
  begin(): number {
    return this.isOn ? performance.now() : 0;
  }

  /**
   * Notes that a statement has run to its end or its failure, on this thread.
   *
   * @param start what `performance.now` said before it
   * @returns whether it held the loop for so long that `warn` is to be called: what it was is dear to ask for
   */
  note(start: number): boolean {
    if (!this.isOn) return false;
    const end = performance.now();
    const held = end - start;
    this.lastEnd = end;
    this.#statements += 1;
    this.#held += held;
    if (held > this.#longest) this.#longest = held;
    const { threshold } = this.#options;
    return threshold > 0 && held > threshold;
  }

  /**
   * Warns of the statement that has just been noted, unless it was warned of a moment ago.
   *
   * @param sql its text with placeholders
   * @param start as for `note`
   * @param isRead whether a worker thread could have run it
   */
  warn(sql: string, start: number, isRead: boolean): void {
    const { clock, onLoopBlock, threshold } = this.#options;
    const held = this.lastEnd - start;
    this.#blocked += 1;
    const now = clock.monotonic();
    const last = this.#warnedAt.get(sql);
    if (last !== undefined && now - last < silence) return;
    this.#warnedAt.delete(sql);
    if (this.#warnedAt.size >= remembered) {
      const [oldest] = this.#warnedAt.keys();
      if (oldest !== undefined) this.#warnedAt.delete(oldest);
    }
    this.#warnedAt.set(sql, now);
    onLoopBlock?.({ sql, held, threshold, isRead });
  }

  stats(): LoopGauges {
    return {
      statements: this.#statements,
      held: this.#held,
      longest: this.#longest,
      blocked: this.#blocked,
    };
  }
}

import type { Clock } from '../foundation/clock.ts';
import type { CopyProgress, CopyStage } from './copy-options.ts';

/** Counts the rows of one stage, and tells how long it will take. */
export class CopyPace {
  readonly #stage: CopyStage;
  readonly #total: number;
  readonly #clock: Clock;
  readonly #tell: (progress: CopyProgress) => void;
  readonly #start: number;
  #before = 0;
  #rows = 0;

  private constructor(stage: CopyStage, total: number, clock: Clock, tell: (progress: CopyProgress) => void) {
    this.#stage = stage;
    this.#total = total;
    this.#clock = clock;
    this.#tell = tell;
    this.#start = clock.monotonic();
  }

  /** Begins a stage, and tells that it has begun. */
  static begin(
    stage: CopyStage,
    total: number,
    clock: Clock,
    tell: (progress: CopyProgress) => void,
  ): CopyPace {
    const pace = new CopyPace(stage, total, clock, tell);
    pace.note(undefined, 0);
    return pace;
  }

  /** Counts rows that were done before the stage began. */
  skip(rows: number): void {
    this.#before += rows;
  }

  /** Counts rows that were done just now. */
  note(table: string | undefined, rows: number): void {
    this.#rows += rows;
    const seconds = (this.#clock.monotonic() - this.#start) / 1_000;
    const rate = seconds > 0 ? this.#rows / seconds : 0;
    const done = this.#before + this.#rows;
    this.#tell({
      stage: this.#stage,
      table,
      rows: done,
      total: this.#total,
      rate,
      left: rate > 0 ? (Math.max(0, this.#total - done) / rate) * 1_000 : undefined,
    });
  }
}

import type { Clock } from '../../foundation/clock.ts';
import type { DatabaseFile } from './database-file.ts';
import { isBusy, waitForLock } from './lock-wait.ts';
import { endSharedReads } from './shared-read.ts';
import { TurnBudget } from './turn-budget.ts';

/** What steps need to know. */
export interface SqliteStepsOptions {
  /** Undefined in memory. */
  readonly file: DatabaseFile | undefined;
  /** The longest wait for another process, in ms. */
  readonly lockTimeout: number;
  readonly clock: Clock;
}

/**
 * When a synchronous step of the driver may run: not for so long that the event loop does not turn, not while the
 * file is gone, and not while another process holds the lock that it needs.
 */
export class SqliteSteps {
  readonly turn = new TurnBudget();
  readonly #options: SqliteStepsOptions;

  constructor(options: SqliteStepsOptions) {
    this.#options = options;
  }

  /**
   * Runs a step where it is its turn, and again while another process holds the lock it needs. A step that may
   * write has no effect where it fails with SQLITE_BUSY.
   *
   * @param signal ends the wait for another process
   * @throws DatabaseMovedError where the file is gone
   */
  run<Result>(step: () => Result, signal?: AbortSignal): Promise<Result> {
    if (!this.turn.isSpent()) return this.runNow(step, signal);
    return this.turn.giveWay().then(() => this.runNow(step, signal));
  }

  /** As `run`, for what may commit: reads that come behind it must not be answered from before it. */
  runCommitting<Result>(step: () => Result, signal?: AbortSignal): Promise<Result> {
    return this.run(() => {
      endSharedReads();
      return step();
    }, signal);
  }

  /** As `run`, for who has asked already whether it is time. */
  async runNow<Result>(step: () => Result, signal?: AbortSignal): Promise<Result> {
    const { file, lockTimeout, clock } = this.#options;
    file?.check(this.turn.now);
    try {
      return step();
    } catch (error) {
      if (!isBusy(error)) throw error;
      return waitForLock(step, lockTimeout, clock, signal);
    }
  }

  /**
   * Whether a write may run at once, without waiting for a turn of the event loop.
   *
   * @throws DatabaseMovedError where the file is gone
   */
  isTimeToWrite(): boolean {
    if (this.turn.isSpent()) return false;
    this.#options.file?.check(this.turn.now);
    endSharedReads();
    return true;
  }

  /** Lets timers and sockets have their turn where statements have run for a while. */
  async giveWay(): Promise<void> {
    if (this.turn.isSpent()) await this.turn.giveWay();
  }
}

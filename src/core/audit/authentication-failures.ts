import { runAs } from '../foundation/actor-context.ts';
import { isLiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { silentLogger, type Logger } from '../foundation/logger.ts';
import { quietLogger } from '../foundation/quiet-logger.ts';
import { outside } from '../provider/transaction-context.ts';
import type { AuditLog } from './audit-log.ts';

const longestInterval = 3_600_000;

/** How failed authentications are recorded. */
export interface AuthenticationFailuresOptions {
  /** The shortest time between two events, in ms from 1 to 3,600,000; 1,000 by default. */
  readonly interval?: number;
  /** Hears where an event could not be stored; it is tried again. Says nothing by default. */
  readonly logger?: Logger;
}

/**
 * Records that requests were refused, for whoever lets requests in. Strangers decide how often that is, so that they
 * must not decide how fast the trail grows: the first failure is an event at once, and those that come within
 * `interval`, or while an event is being stored, are counted and are one event together. What is counted is lost where
 * the process is killed.
 *
 * An event has the action `auth.failed`, and tells in its metadata how many there were, by the codes of their errors.
 * It says nothing of the tokens.
 *
 * @example
 * await using failures = new AuthenticationFailures(log);
 * app.use(authenticate({ tokens, onError: failures.note }));
 */
export class AuthenticationFailures implements AsyncDisposable {
  readonly #log: AuditLog;
  readonly #interval: number;
  readonly #logger: Logger;
  #counts = new Map<string, number>();
  #writing: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #lastWrite = -Infinity;
  #isClosed = false;

  /**
   * @param log where they are recorded, by its clock
   * @param options how often
   * @throws ValidationError where the interval is out of range
   */
  constructor(
    log: AuditLog,
    { interval = 1_000, logger = silentLogger }: AuthenticationFailuresOptions = {},
  ) {
    if (!Number.isInteger(interval) || interval < 1 || interval > longestInterval) {
      throw new ValidationError([
        { path: ['interval'], message: `must be a whole number of ms from 1 to ${longestInterval}` },
      ]);
    }
    this.#log = log;
    this.#interval = interval;
    this.#logger = quietLogger(logger);
  }

  /**
   * Notes a failure; a function of its own, to be handed on. It never throws and waits for nothing.
   *
   * @param error why the request was refused
   */
  readonly note = (error: unknown): void => {
    if (this.#isClosed) return;
    const code = isLiminalDataError(error) ? error.code : 'UNKNOWN';
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    this.#schedule();
  };

  /** Stores what is counted, and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#writing;
    if (this.#counts.size > 0) await this.#write();
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #schedule(): void {
    if (this.#isClosed || this.#counts.size === 0) return;
    if (this.#writing !== undefined || this.#cancel !== undefined) return;
    const { clock } = this.#log;
    const wait = this.#lastWrite + this.#interval - clock.monotonic();
    const write = (): void => {
      this.#cancel = undefined;
      this.#writing = this.#write();
    };
    // Nobody waits for it: the process may end before it.
    if (wait > 0) this.#cancel = clock.schedule(wait, write, { keepsAlive: false });
    else write();
  }

  async #write(): Promise<void> {
    const counts = this.#counts;
    this.#counts = new Map();
    this.#lastWrite = this.#log.clock.monotonic();
    try {
      await this.#store(counts);
    } catch (error) {
      for (const [code, count] of counts) this.#counts.set(code, (this.#counts.get(code) ?? 0) + count);
      this.#logger.error(
        { error },
        'failed authentications could not be recorded; they are kept and tried again',
      );
    }
    this.#writing = undefined;
    this.#schedule();
  }

  #store(counts: ReadonlyMap<string, number>): Promise<void> {
    const count = [...counts.values()].reduce((sum, each) => sum + each, 0);
    const event = { action: 'auth.failed', metadata: { count, codes: Object.fromEntries(counts) } };
    // Whatever the request was in the middle of, this is no part of it, and not its actor's doing.
    return outside(() =>
      runAs({ type: 'system', id: 'authentication' }, () =>
        this.#log.provider.transaction((tx) => this.#log.record(tx as never, event), { retry: true }),
      ),
    );
  }
}

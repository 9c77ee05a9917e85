import type { PoolStats } from '../pool-stats.ts';
import { LiminalDataError } from './liminal-data-error.ts';

/** The database could not be reached, or the connection was lost. */
export class ConnectionError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_CONNECTION',
    retryable: true,
    when: 'A connection cannot be opened (refused, wrong password, no TLS, file cannot be opened) or was lost while a statement ran.',
    remedy:
      'Check that the database runs and that the settings name it. Run the unit of work again; do not blindly repeat a single write, since it may have been applied.',
  } as const;
}

/** No connection became free in time, or too many callers wait already. */
export class PoolTimeoutError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_POOL_TIMEOUT',
    retryable: true,
    when: 'No connection became free within `pool.acquireTimeout`, or `pool.maxWaiting` callers wait already. Also when the root handle is used inside of a transaction or a stream that holds the only connection.',
    remedy:
      'Look at `stats`: shorten transactions, and inside a transaction use the handle that it hands out. Raise `pool.max` on Postgres; SQLite has one connection.',
  } as const;

  /** The pool at the moment of the error. */
  readonly stats: PoolStats;

  constructor(message: string, stats: PoolStats, options?: ErrorOptions) {
    super(message, options);
    this.stats = stats;
  }
}

/** The provider is closing or closed. */
export class PoolClosedError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_POOL_CLOSED',
    retryable: false,
    when: 'Work was asked of a provider after `close()` had begun.',
    remedy: 'Stop handing out work before closing, or create a new provider.',
  } as const;
}

/** The connection was lost while COMMIT was under way: the work may or may not be applied. */
export class CommitOutcomeUnknownError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_COMMIT_OUTCOME_UNKNOWN',
    retryable: false,
    when: 'The connection was lost after COMMIT was sent and before its reply came.',
    remedy: 'Read back whether the work is there before doing it again; a blind retry may do it twice.',
  } as const;
}

import type { PoolStats } from '../pool-stats.ts';
import { LiminalDataError } from './liminal-data-error.ts';

/** The database could not be reached, or the connection was lost. */
export class ConnectionError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_CONNECTION',
    retryable: true,
    when: 'A connection cannot be opened (refused, wrong password, no TLS, file cannot be opened) or was lost while a statement ran. `retryable` is false on those that waiting does not mend: a wrong password, a certificate, an unknown database, a file that cannot be opened.',
    remedy:
      'Check that the database runs and that the settings name it. Run the unit of work again; do not blindly repeat a single write, since it may have been applied.',
  } as const;

  readonly #retryable: boolean;

  /** @param options `retryable: false` where only a change of the settings or of the database helps */
  constructor(message: string, options: ErrorOptions & { readonly retryable?: boolean } = {}) {
    super(message, options);
    this.#retryable = options.retryable ?? ConnectionError.description.retryable;
  }

  /** Whether it may come right by itself: the server starts again, the network is back. */
  override get retryable(): boolean {
    return this.#retryable;
  }
}

/** No connection became free in time, or too many callers wait already. */
export class PoolTimeoutError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_POOL_TIMEOUT',
    retryable: true,
    when: 'No connection became free within `pool.acquireTimeout`, or `pool.maxWaiting` callers wait already. Also when the root handle is used inside of a stream that holds the only connection.',
    remedy:
      'Look at `stats`: shorten transactions, and inside a transaction use the handle that it hands out. `longestHold` says for how long somebody has kept a connection, and with `pool.leakThreshold` `longestHoldStack` says who. Raise `pool.max` where the database can serve more.',
  } as const;

  /** The pool at the moment of the error. */
  readonly stats: PoolStats;

  constructor(message: string, stats: PoolStats, options?: ErrorOptions) {
    super(message, options);
    this.stats = stats;
  }
}

/** A transaction asked for another connection of the same pool, and would have had to wait for it. */
export class NestedAcquireError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_NESTED_ACQUIRE',
    retryable: false,
    when: 'Inside of `provider.transaction` another connection of the same pool was asked for while none was free. It might wait for itself, so it does not wait at all.',
    remedy: 'Inside a transaction use the handle that it hands out, as `{ on: tx }`.',
  } as const;
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

/** The connection was lost while something was being committed: the work may or may not be applied. */
export class CommitOutcomeUnknownError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_COMMIT_OUTCOME_UNKNOWN',
    retryable: false,
    when: 'The connection was lost after COMMIT, a batch or a single write was sent and before its reply came, and the database could not be asked what became of it.',
    remedy:
      'Read back whether the work is there before doing it again; a blind retry may do it twice. Where there is an `xid`, `select pg_xact_status(xid)` tells once the server is back.',
  } as const;

  /** The number of the transaction on Postgres, where it is known. */
  readonly xid: string | undefined;

  constructor(message: string, options: ErrorOptions & { readonly xid?: string | undefined } = {}) {
    super(message, options);
    this.xid = options.xid;
  }
}

import type { Kysely } from 'kysely';
import { createUuidSource } from '../domain/uuid.ts';
import type { Page } from '../domain/page.ts';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { PoolClosedError } from '../foundation/errors/connection-errors.ts';
import { escapeControls } from '../foundation/escape-controls.ts';
import type { HealthStatus } from '../foundation/health-status.ts';
import type { Issue } from '../foundation/issue.ts';
import { silentLogger, type Logger } from '../foundation/logger.ts';
import { quietLogger } from '../foundation/quiet-logger.ts';
import { outside } from '../provider/transaction-context.ts';
import { ReadRepository } from '../repository/read-repository.ts';
import type { ReportSink } from './health-options.ts';
import type { HealthProvider } from './health-provider.ts';
import { recordFromRow, recordToRow, type HealthRecord } from './health-record.ts';
import { healthTablesOf, type HealthTables } from './health-tables.ts';
import { pruneHistory, type HealthRetention } from './prune-history.ts';
import type { ReadyReport } from './readiness.ts';

/** How the history is kept. */
export interface HealthHistoryOptions {
  /** How long it becomes. */
  readonly retention?: HealthRetention;
  /** How often a check is recorded whose status stays, in ms, from 0 to 86,400,000; 60,000 by default. */
  readonly interval?: number;
  /** Hears that the history could not be written. Silent by default. */
  readonly logger?: Logger;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/** Which part of the history is read. */
export interface HealthPageOptions {
  /** The name of one check; `ready` for all of them together. Every row by default. */
  readonly check?: string;
  /** The most rows that come, from 0 to 1,000; 50 by default. */
  readonly limit?: number;
  /** A cursor: the page begins behind it. Not together with `before`. */
  readonly after?: string | undefined;
  /** A cursor: the page ends ahead of it. Not together with `after`. */
  readonly before?: string | undefined;
}

/** How many records wait for a database that does not take them; behind that the oldest are dropped. */
const mostWaiting = 1_000;

/** The history is made shorter behind so many new rows, and once at the beginning. */
const rowsBetweenPrunings = 100;

/** A message of more UTF-16 units is cut. */
const longestMessage = 1_000;

const day = 24 * 60 * 60 * 1_000;
const defaultRetention = { rows: 10_000, age: 30 * day };
const defaultInterval = 60_000;

/**
 * Keeps what health checks came to, in the table `health_checks` of `healthMigrations`: each change of a status, and
 * what stays as it is once an `interval`. What cannot be written, since the database is down, waits and is written when it
 * takes something again. Use `createHealthHistory`.
 */
export class HealthHistory implements ReportSink {
  readonly #db: Kysely<HealthTables>;
  readonly #provider: Pick<HealthProvider, 'sql'>;
  readonly #rows: ReadRepository<HealthTables, 'health_checks', HealthRecord>;
  readonly #retention: Required<HealthRetention>;
  readonly #interval: number;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #newId: () => string;
  /** What was recorded last of each check. */
  readonly #recorded = new Map<string, { readonly status: HealthStatus; readonly at: number }>();
  #waiting: HealthRecord[] = [];
  #writing = Promise.resolve();
  #isWriting = false;
  /** Whether the last write failed, so that an outage is logged once. */
  #hasFailed = false;
  #rowsSincePruning = rowsBetweenPrunings;

  /**
   * Use `createHealthHistory`.
   *
   * @param provider a DatabaseProvider whose database has the table of `healthMigrations`
   * @param options how long it becomes, and how often what stays as it is is recorded
   * @throws ValidationError with every fault of the options
   */
  constructor(provider: Pick<HealthProvider, 'db' | 'sql'>, options: HealthHistoryOptions = {}) {
    checkOptions(options);
    const {
      retention = {},
      interval = defaultInterval,
      logger = silentLogger,
      clock = systemClock,
    } = options;
    this.#db = healthTablesOf(provider.db);
    this.#provider = provider;
    this.#rows = new ReadRepository({ db: this.#db, sql: provider.sql }, tableOptions);
    this.#retention = { ...defaultRetention, ...retention };
    this.#interval = interval;
    this.#logger = quietLogger(logger);
    this.#clock = clock;
    this.#newId = createUuidSource(clock);
  }

  /**
   * Takes a report. It returns at once; what is to be written is written behind the call, outside of the transaction
   * around it, and a failure is told to the logger alone.
   *
   * @param report what `ready` of a health came to
   */
  record(report: ReadyReport): void {
    const all = { name: 'ready', status: report.status, message: null, duration: null };
    for (const check of [all, ...report.checks]) {
      const last = this.#recorded.get(check.name);
      const isSame = last?.status === check.status && report.checkedAt - last.at < this.#interval;
      // A clock that was set back must not silence a check until it is there again.
      if (isSame && report.checkedAt >= last.at) continue;
      this.#recorded.set(check.name, { status: check.status, at: report.checkedAt });
      this.#waiting.push({
        id: this.#newId(),
        check: check.name,
        status: check.status,
        message: check.message === null ? null : storable(check.message),
        checkedAt: report.checkedAt,
        duration: check.duration === null ? null : Math.round(check.duration),
      });
    }
    this.#waiting = this.#waiting.slice(-mostWaiting);
    if (this.#waiting.length > 0) this.#write();
  }

  /**
   * Reads a page of the history, the newest first.
   *
   * @param options which check, how many, and from where
   * @returns the records; what has not been written yet is not among them
   * @throws ValidationError with every fault of the options; and the errors of a statement
   * @example
   * const { items, nextCursor } = await history.page({ check: 'latency', limit: 20 });
   */
  page({ check, ...options }: HealthPageOptions = {}): Promise<Page<HealthRecord>> {
    return this.#rows.page(check === undefined ? {} : { check_type: check }, {
      ...options,
      orderBy: ['checked_at desc', 'id desc'],
    });
  }

  /**
   * Waits until what was recorded has been written, or could not be. For whoever closes the database.
   *
   * @returns resolves then; it never rejects
   */
  flush(): Promise<void> {
    return this.#writing;
  }

  #write(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writing = outside(() => this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    try {
      // One at a time, however many come meanwhile.
      while (this.#waiting.length > 0) await this.#writeWaiting();
    } catch (error) {
      // What was recorded last when the service ends is no news.
      if (error instanceof PoolClosedError || this.#hasFailed) return;
      this.#hasFailed = true;
      this.#logger.warn({ error }, 'the health history could not be written; it waits for the database');
    } finally {
      this.#isWriting = false;
    }
  }

  async #writeWaiting(): Promise<void> {
    const written = new Set(this.#waiting);
    await this.#db
      .insertInto('health_checks')
      .values([...written].map(recordToRow))
      // What was stored by a statement whose answer was lost is not stored again.
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
    this.#hasFailed = false;
    this.#waiting = this.#waiting.filter((record) => !written.has(record));
    this.#rowsSincePruning += written.size;
    if (this.#rowsSincePruning < rowsBetweenPrunings) return;
    this.#rowsSincePruning = 0;
    await pruneHistory(this.#db, this.#provider.sql, this.#retention, this.#clock.now());
  }
}

const tableOptions = {
  table: 'health_checks',
  key: 'id',
  columns: {
    id: 'uuid',
    check_type: 'text',
    status: 'text',
    message: 'text?',
    checked_at: 'integer',
    duration_ms: 'integer?',
  },
  mapper: { fromRow: recordFromRow, toRow: recordToRow },
} as const;

/** What no database stores in a text would keep everything behind it from being written. */
function storable(message: string): string {
  return escapeControls(message.slice(0, longestMessage)).toWellFormed();
}

function checkOptions({ retention = {}, interval = defaultInterval }: HealthHistoryOptions): void {
  const issues = [
    ...findRangeFaults(['retention', 'rows'], retention.rows, 1, 1_000_000),
    ...findRangeFaults(['retention', 'age'], retention.age, 1_000, 3_650 * day),
    ...findRangeFaults(['interval'], interval, 0, day),
  ];
  if (issues.length > 0) throw new ValidationError(issues);
}

function findRangeFaults(
  path: readonly string[],
  value: number | undefined,
  least: number,
  most: number,
): Issue[] {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return [];
  return [{ path, message: `must be an integer from ${least} to ${most}` }];
}

/**
 * Makes a history of health checks; hand it to `createHealth` as `history`. Failing to write never fails a check, and
 * several processes may share the table.
 *
 * @param provider a DatabaseProvider whose database has the table of `healthMigrations`
 * @param options how long it becomes, and how often what stays as it is is recorded
 * @returns the history
 * @throws ValidationError with every fault of the options
 * @example
 * const history = createHealthHistory(provider, { retention: { rows: 1_000 } });
 * const health = createHealth(provider, { history });
 */
export function createHealthHistory(
  provider: Pick<HealthProvider, 'db' | 'sql'>,
  options: HealthHistoryOptions = {},
): HealthHistory {
  return new HealthHistory(provider, options);
}

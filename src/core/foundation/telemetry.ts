import type { LeaseListener } from './pool-event.ts';
import type { PoolStats } from './pool-stats.ts';
import type { StatementListener } from './statement-event.ts';

/** Makes spans and figures of what databases do: what `createTelemetry` of `liminal-data/metrics` made. */
export interface Telemetry {
  /** For the library's own: begins to watch a database. */
  readonly [watchDatabase]: (database: WatchedDatabase) => DatabaseTelemetry;
}

/** Names the method of a telemetry that a provider calls. No door has it. */
export const watchDatabase = Symbol('watches a database');

/** The database that is watched. */
export interface WatchedDatabase {
  /** What kind it is, such as `postgresql`. */
  readonly system: string;
  /** Its name, host and port, as far as there are such. */
  readonly namespace?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  /** How its pool stands. It is asked when figures are collected. */
  readonly stats: () => PoolStats;
}

/** Hears what one database does. None of it throws. */
export interface DatabaseTelemetry {
  /** Hears every statement. */
  readonly hear: StatementListener;
  /** Undefined where no spans are made. */
  readonly transactions: TransactionListener | undefined;
  /** Undefined where no figures are made. */
  readonly leases: LeaseListener | undefined;
}

/** Hears of transactions by their numbers. */
export interface TransactionListener {
  /** One is about to begin. It is called in the async context of its caller. */
  begin(transaction: number): void;
  /** One has ended; harmless where it had ended already. */
  end(transaction: number, outcome: 'committed' | 'rolled back'): void;
  /** One could not begin, commit or roll back. */
  fail(transaction: number, error: unknown): void;
  /** Runs the work of one, so that what the work starts belongs to it. */
  runIn<Result>(transaction: number, work: () => Result): Result;
}

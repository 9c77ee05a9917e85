import type { Danger, StatementLock } from '../../engine/statement-assessment.ts';
import type { MigrationError } from '../../foundation/errors/migration-errors.ts';
import type { MigrationDirection } from '../run-migration.ts';

/** What would run, in its order. Nothing of it was kept. */
export interface MigrationPlan {
  /** Each migration with what it sends. */
  readonly migrations: readonly PlannedMigration[];
  /** How many dangers there are that no migration has reviewed. */
  readonly dangers: number;
  /** Why the plan ends before its end: what a migration failed by. Undefined where all of them ran. */
  readonly error: MigrationError | undefined;
}

/** One migration of a plan. */
export interface PlannedMigration {
  /** The name of the set. */
  readonly set: string;
  /** The name of the migration. */
  readonly name: string;
  /** Whether it would be applied or taken back. */
  readonly direction: MigrationDirection;
  /** Whether it has a transaction of its own when it runs; the plan runs it in its own transaction either way. */
  readonly transaction: boolean;
  /** What it sends, in its order. */
  readonly statements: readonly PlannedStatement[];
  /** What it says in `reviewed` that has no counterpart any more. It counts as no danger. */
  readonly stale: readonly StaleReview[];
  /** What it failed by. */
  readonly error: MigrationError | undefined;
}

/** One statement of a migration. */
export interface PlannedStatement {
  /** The SQL, with a placeholder for each parameter. What the migration wrote into the text itself is shown. */
  readonly sql: string;
  /** How many parameters it has; they are never shown. */
  readonly parameters: number;
  /** In a word or two, such as `create index`; `read` where it changes nothing. */
  readonly kind: string;
  /** The tables that it names. */
  readonly tables: readonly string[];
  /** The data that is gone behind it; undefined where none is. */
  readonly destroys: string | undefined;
  /** What it locks of what was there before the plan. */
  readonly locks: readonly StatementLock[];
  /** Whether it writes a table anew that was there before the plan; undefined where nobody can tell. */
  readonly rewrites: boolean | undefined;
  /** Whether locks and rewrites are what the database showed; false for what the rules say. */
  readonly measured: boolean;
  /** What can go wrong. */
  readonly dangers: readonly PlannedDanger[];
  /**
   * `as written`; `in another form` where it cannot run in a transaction and the plan ran what has the same effect;
   * `no` where nothing was run.
   */
  readonly executed: 'as written' | 'in another form' | 'no';
  /** How long it took here, in ms. */
  readonly duration: number;
}

/** A danger, and whether it was looked at. */
export interface PlannedDanger extends Danger {
  /** Why it is none here, in the migration's own words; undefined where nobody says so. */
  readonly reviewed: string | undefined;
}

/** A review that has no counterpart. */
export interface StaleReview {
  /** The code, as the migration names it. */
  readonly code: string;
  /** Whether there is no such code at all, or no statement of the migration that it fits. */
  readonly why: 'no such code' | 'did not occur';
}

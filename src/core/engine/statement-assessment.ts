import type { Kysely } from 'kysely';
import type { DangerCode } from './danger-codes.ts';

/** What can go wrong where a statement runs on a database that is in use, and how to do it instead. */
export interface Danger {
  /** Which danger it is. */
  readonly code: DangerCode;
  /** What happens, to what. */
  readonly message: string;
  /** The safe way. */
  readonly remedy: string;
}

/** A lock that a statement takes and its transaction keeps. */
export interface StatementLock {
  /** What is locked; undefined where it is all of the database. */
  readonly table: string | undefined;
  /** In the engine's words, such as `ACCESS EXCLUSIVE`. */
  readonly mode: string;
}

/** What a statement changes that the statements behind it are judged by. */
export interface StatementEffects {
  /** Tables that it makes, and whatever else has a name. */
  readonly makes: readonly string[];
  /** Those of them that may have been there before (IF NOT EXISTS). */
  readonly makesIfMissing: readonly string[];
  /** What it drops. */
  readonly removes: readonly string[];
  /** Tables that it renames. */
  readonly renames: readonly { readonly from: string; readonly to: string }[];
  /** Tables that it changes the schema of, not the rows. */
  readonly alters: readonly string[];
  /** Constraints that it adds without looking at the rows, as `table.constraint`. */
  readonly unvalidated: readonly string[];
}

/** What a statement does. */
export interface StatementAssessment {
  /** In a word or two, such as `create index`; `read` where it changes nothing. */
  readonly kind: string;
  /** The tables that it names, the changed ones first; one in another schema with its schema in front. */
  readonly tables: readonly string[];
  /** The data that is gone behind it; undefined where none is. */
  readonly destroys: string | undefined;
  /** On tables that were there before the plan. */
  readonly locks: readonly StatementLock[];
  /** Whether a table that was there before is written anew; undefined where the text alone cannot tell. */
  readonly rewrites: boolean | undefined;
  /** What can go wrong; empty where nothing is known that can. */
  readonly dangers: readonly Danger[];
  /** What it changes for the statements behind it. */
  readonly effects: StatementEffects;
  /** Whether the database was asked, and locks and rewrites are what it said; false for what the rules say. */
  readonly measured: boolean;
}

/** What went before a statement. */
export interface AssessmentContext {
  /** Whether it runs in a transaction. */
  readonly inTransaction: boolean;
  /** The schema of tables that are named without one; undefined where the engine has none. */
  readonly schema: string | undefined;
  /** Tables and other names that the same plan has made: those are new, and nobody uses them yet. */
  readonly made: ReadonlySet<string>;
  /** Tables that were there before and that the same transaction has changed the schema of. */
  readonly altered: ReadonlySet<string>;
  /** Constraints that the same transaction has added and not validated, as `table.constraint`. */
  readonly unvalidated: ReadonlySet<string>;
}

/** Looks at what the statements of a plan do while they run. */
export interface StatementWitness {
  /**
   * Call it behind each statement that ran.
   *
   * @param db a handle of the connection that ran it
   * @param sql its text
   * @param assessment what the rules say
   * @returns what the database shows of locks and rewrites, in place of what the rules say
   */
  settle(db: Kysely<any>, sql: string, assessment: StatementAssessment): Promise<StatementAssessment>;
}

/** What an engine knows of the statements of a plan. */
export interface PlanTraits {
  /**
   * Says what a statement does, by its text alone. A text of several statements is judged as one. Pure.
   *
   * @param sql the text, as it goes to the database
   * @param context what went before it
   */
  assess(sql: string, context: AssessmentContext): StatementAssessment;
  /**
   * Says what to run in a plan's transaction in place of a statement that cannot run in one. Pure.
   *
   * @returns the text itself where it can; undefined where nothing is to run
   */
  runnable(sql: string): string | undefined;
  /**
   * Makes the transaction of a plan ready. Absent where there is nothing to do.
   *
   * @param trx the plan's transaction
   * @param lockTimeout the longest wait for a lock, in ms
   * @returns who looks at the statements; undefined where the engine cannot tell more than its rules
   */
  begin?(trx: Kysely<any>, lockTimeout: number): Promise<StatementWitness | undefined>;
}

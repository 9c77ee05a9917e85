import type { Kysely } from 'kysely';
import type { BackfillTraits } from './backfill-traits.ts';
import type { ColumnHelpers } from './column-helpers.ts';
import type { ForeignKey } from './foreign-key.ts';
import type { MigrationLock } from './migration-lock.ts';
import type { SchemaSnapshot } from './schema-snapshot.ts';
import type { PlanTraits } from './statement-assessment.ts';

/** How migrations run on an engine. */
export interface MigrationTraits {
  /** The column helpers, version 1, that a migration is given as `t`. */
  readonly columns: ColumnHelpers;
  /**
   * What the engine knows of the statements of a plan. Without it a plan shows them, and each of them is one of which
   * nobody can say what it does.
   */
  readonly plan?: PlanTraits;
  /** How a backfill walks along the keys of a table. */
  readonly backfill: BackfillTraits;
  /**
   * Names the schema in which a table that is made without one lies, so that a record of the same name in
   * another schema is not taken for this one. Absent where the engine has no schemas.
   *
   * @param db any handle of the database
   * @returns undefined where there is no schema to make tables in
   */
  currentSchema?(db: Kysely<any>): Promise<string | undefined>;
  /**
   * Makes the transaction of a step ready for its migration, such as by lifting the time limit of statements.
   * Absent where there is nothing to do.
   *
   * @param trx the transaction that holds the migration; what is set must end with it
   */
  beginStep?(trx: Kysely<any>): Promise<void>;
  /**
   * The same for a connection on which a migration runs without a transaction; what is set must end when the
   * connection is given back.
   */
  beginAlone?(connection: Kysely<any>): Promise<void>;
  /**
   * Reads the whole live schema, but for the record of migrations, in one statement.
   *
   * @param db any handle of the database
   */
  readSchema(db: Kysely<any>): Promise<SchemaSnapshot>;
  /**
   * Reads the foreign keys by which rows are deleted or changed where others are deleted. Absent where nobody can tell.
   *
   * @param db any handle of the database
   */
  readForeignKeys?(db: Kysely<any>): Promise<readonly ForeignKey[]>;
  /**
   * Looks for what is broken: damage, rows that break a foreign key, what was never validated.
   *
   * @param db any handle of the database
   * @returns a sentence for each fault, with what to do; none where all is well
   */
  findIntegrityFaults(db: Kysely<any>): Promise<readonly string[]>;
  /** Keeps processes that migrate apart. */
  readonly lock: MigrationLock;
  /** How foreign keys are kept out of the way of a migration; absent where they never are in it. */
  readonly foreignKeys?: ForeignKeySwitch;
  /**
   * Names the indexes that no query uses, because building them failed. Absent where there are none.
   *
   * @param db any handle of the database
   */
  findInvalidIndexes?(db: Kysely<any>): Promise<readonly string[]>;
  /** Drops an index that `findInvalidIndexes` named, without holding anybody up. Not inside of a transaction. */
  dropInvalidIndex?(connection: Kysely<any>, name: string): Promise<void>;
  /**
   * Says why a statement must not stand in a migration; undefined where it may.
   *
   * @param sql the statement
   */
  refuse?(sql: string): string | undefined;
}

/** Keeps foreign keys out of the way while a table is made anew. */
export interface ForeignKeySwitch {
  /** Switches them for a connection that is in no transaction. */
  set(connection: Kysely<any>, isOn: boolean): Promise<void>;
  /** Whether they are on for a connection. */
  areOn(connection: Kysely<any>): Promise<boolean>;
  /** Finds what no longer refers to anything, one line a row; empty where all is well. */
  findBroken(trx: Kysely<any>): Promise<readonly string[]>;
}

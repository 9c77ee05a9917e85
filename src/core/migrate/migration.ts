import type { Kysely } from 'kysely';
import type { ColumnHelpers } from '../engine/column-helpers.ts';

/** What every migration may say of itself. */
export interface MigrationTerms {
  /**
   * Changes the schema.
   *
   * @param db the transaction that holds this migration alone, or a connection for one without a transaction;
   *   untyped, because history must not move when the table interfaces do
   * @param t helpers that give the right types and constraints on the engine at hand
   */
  up(this: void, db: Kysely<any>, t: ColumnHelpers): Promise<void>;
  /**
   * `false` runs it without a transaction, for statements that cannot run in one, such as CREATE INDEX
   * CONCURRENTLY. What it did before it failed then stays, so it must be able to run again. True by default.
   */
  readonly transaction?: boolean;
  /**
   * `off` keeps foreign keys out of the way while it runs, as `t.rebuildTable` needs it on SQLite, where they
   * cannot be switched inside of a transaction. They are checked before its commit. It means nothing elsewhere.
   */
  readonly foreignKeys?: 'off';
  /** Why it may destroy data: the plan then names what it destroys, and is no danger. */
  readonly destructive?: string;
  /** Dangers of the plan that were looked at, by their code, each with the reason why it is none here. */
  readonly reviewed?: Readonly<Record<string, string>>;
}

/** A migration that can be taken back. */
export interface ReversibleMigration extends MigrationTerms {
  /** Takes back what `up` did. */
  down(this: void, db: Kysely<any>, t: ColumnHelpers): Promise<void>;
  /** Not there: it can be taken back. */
  readonly irreversible?: never;
}

/** A migration that cannot be taken back, and says why. */
export interface IrreversibleMigration extends MigrationTerms {
  /** Not there. */
  readonly down?: never;
  /** Why. Going down through it is refused before any step runs. */
  readonly irreversible: string;
}

/** One step of a history: how to take it, and how to take it back. */
export type Migration = ReversibleMigration | IrreversibleMigration;

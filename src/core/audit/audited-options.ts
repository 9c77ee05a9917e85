import type { TableColumns } from '../query/column.ts';
import type { AuditLog } from './audit-log.ts';

/** What is recorded of the rows of a table. */
export interface AuditedRows<Name extends string = string> {
  /** What a row is to whoever reads the trail, such as `user`: the type of the event's entity. Its id is the row's key. */
  readonly entity: string;
  /**
   * Columns whose values are not to be in the trail: a keyed code stands for each, so that it shows whether and when
   * they changed. NULL stays NULL. Encrypted columns need not be named: of them there is not even a code.
   */
  readonly mask?: readonly Name[] | undefined;
  /**
   * Columns that nobody asks about, such as the time of the last change. An update of these alone is no event, unless the
   * table has a version that is recorded: then the event tells of the version.
   */
  readonly ignore?: readonly Name[] | undefined;
  /**
   * The rows that the database deletes with one of these, or sets to NULL or to a default: each is an event of its own.
   * They are held against the foreign keys of the database at the first delete.
   */
  readonly cascades?: readonly AuditedCascade[] | undefined;
}

/** How a repository is audited. */
export interface AuditedOptions<Name extends string = string> extends AuditedRows<Name> {
  /** Where it is recorded. */
  readonly log: AuditLog;
}

/**
 * Rows of a table that the database deletes with those that they refer to (`on delete cascade`), or whose reference it
 * writes anew (`on delete set null`, `on delete set default`).
 */
export interface AuditedCascade extends AuditedRows {
  /** A repository of their table, of which its definition is used: it says what is encrypted. */
  readonly of: AuditedTable;
  /** Their column that refers to what is deleted; of several that do so together, any that tells the key from others. */
  readonly column: string;
  /** The column that they refer to; the key by default. */
  readonly references?: string | undefined;
}

/** Any repository, as far as its table goes. */
export interface AuditedTable {
  /** As `Repository.table`. */
  readonly table: TableColumns;
}

import type { Kysely, RawBuilder, SqlBool } from 'kysely';
import type { ColumnHelpersV1 } from './column-helpers-v1.ts';

/** What a migration expects of its `t` that makes tables whose rows stay as they are. Frozen, as ColumnHelpersV1 is. */
export interface AppendOnlyHelpersV1 extends ColumnHelpersV1 {
  /** Makes a table that a transaction puts a row into, and that refuses a COMMIT while there is one. */
  createSwitchTable(db: Kysely<unknown>, name: string): Promise<void>;
  /** Lets the database itself refuse to change, delete and replace rows of a table. */
  makeAppendOnly(db: Kysely<unknown>, table: string, terms?: AppendOnlyTermsV1): Promise<void>;
  /** Takes `makeAppendOnly` back. */
  dropAppendOnly(db: Kysely<unknown>, table: string): Promise<void>;
}

/** What is allowed while a switch is thrown. */
export interface AppendOnlyTermsV1 {
  /** The table of the switch. */
  readonly switchTable: string;
  /** The column that an UPDATE may set to NULL, if it changes nothing else, and in which rows; the row is `old`. */
  readonly erasable: { readonly column: string; readonly where: RawBuilder<SqlBool> };
  /** Which rows may be deleted; the row is `old`. */
  readonly deletable: RawBuilder<SqlBool>;
}

import type { RawBuilder, SqlBool } from 'kysely';

/** What an append-only table allows while a switch is thrown, a table that `createSwitchTable` made. */
export interface AppendOnlyTerms {
  /** The table of the switch. */
  readonly switchTable: string;
  /** The column that an UPDATE may set to NULL, if it changes nothing else, and in which rows; the row is `old`. */
  readonly erasable: { readonly column: string; readonly where: RawBuilder<SqlBool> };
  /** Which rows may be deleted; the row is `old`. It names its tables by their names alone. */
  readonly deletable: RawBuilder<SqlBool>;
}

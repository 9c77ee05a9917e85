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
  /** Lets one statement lock chains of rows and read the last row of each, where writers do not come one by one anyway. */
  createChainReader(db: Kysely<unknown>, name: string, chains: ChainColumnsV1): Promise<void>;
  /** Takes `createChainReader` back. */
  dropChainReader(db: Kysely<unknown>, name: string, table: string): Promise<void>;
}

/** Where the rows of chains are. */
export interface ChainColumnsV1 {
  readonly table: string;
  /** The column, a text, that says which chain. */
  readonly chain: string;
  /** The column, an integer, that says which place in it. */
  readonly place: string;
  /** The column, a text, that the next row refers to. */
  readonly link: string;
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

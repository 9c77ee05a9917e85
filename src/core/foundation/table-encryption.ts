/**
 * Which columns of a table are encrypted, and where their values belong. `defineEncryption` of the security door
 * makes and checks it; it holds no key, so that configurations and migrations may name it.
 *
 * @typeParam Columns the encrypted columns by name
 */
export interface TableEncryption<
  Columns extends Readonly<Record<string, ColumnEncryption>> = Readonly<Record<string, ColumnEncryption>>,
> {
  /** The table's name. */
  readonly table: string;
  /** The columns of the primary key, by which a rotation walks. */
  readonly key: readonly string[];
  /** The columns that name the row of a value: it opens beside these alone. */
  readonly row: readonly string[];
  /** The column of the tenant, which a value is bound to as well. */
  readonly tenant?: string;
  /** The encrypted columns, by name. */
  readonly columns: Columns;
}

/**
 * How one column is encrypted.
 *
 * @typeParam Index the name of the column that holds its blind index
 */
export interface ColumnEncryption<Index extends string = string> {
  /** The column that holds the blind index; absent where values are not searched for. */
  readonly index?: Index;
  /** Gives a value its one form before it is indexed; see `encrypted`. */
  readonly normalize?: (value: string) => string;
}

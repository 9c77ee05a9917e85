/** Where the rows of chains are, each of which refers to the one before it. */
export interface ChainColumns {
  readonly table: string;
  /** The column, a text, that says which chain. */
  readonly chain: string;
  /** The column, an integer, that says which place in it. */
  readonly place: string;
  /** The column, a text, that the next row refers to. */
  readonly link: string;
}

/** The row that is meant, and the version at which it was read. */
export interface RowTarget {
  /** A value for each column of the key. */
  readonly key: readonly unknown[];
  readonly version: number | undefined;
}

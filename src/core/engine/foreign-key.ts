/** A table and columns of it, at one end of a foreign key. */
export interface ForeignKeyEnd {
  /** Every name that the table goes by in a statement: alone, and behind its schema. */
  readonly tables: readonly string[];
  /** In the order of the key. */
  readonly columns: readonly string[];
}

/** A foreign key by which the database itself changes rows where others are deleted. */
export interface ForeignKey {
  /** Whose rows refer to the others. */
  readonly child: ForeignKeyEnd;
  /** Whose rows are referred to; its columns are in the order of those of the child. */
  readonly parent: ForeignKeyEnd;
  /** The columns of the child that become NULL (`on delete set null`); undefined where its row goes as well (`cascade`). */
  readonly clears: readonly string[] | undefined;
}

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
  /** What the columns of the child become; undefined where its row goes as well (`cascade`). */
  readonly sets: SetColumns | undefined;
}

/** Columns that the database itself writes where the row is deleted that they refer to. */
export interface SetColumns {
  readonly columns: readonly string[];
  /** What `on delete set null` and `on delete set default` write. */
  readonly to: 'null' | 'default';
}

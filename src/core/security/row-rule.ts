/** The rows of a table that belong to an actor: a column of theirs holds the actor's id. */
export interface OwnRule {
  /** The column that holds it; text or a UUID. */
  readonly column: string;
}

/** The rows of a table that belong to an actor through others: they refer to a row that is the actor's. */
export interface ParentRule {
  /** The column that refers to the parent; it cannot be NULL. */
  readonly column: string;
  /** The table of the parents, which has a rule of its own. */
  readonly parent: string;
  /** The column of the parent that is referred to, which is unique; `id` by default. */
  readonly parentKey?: string;
}

/** Which rows of a table are an actor's. */
export type RowRule = OwnRule | ParentRule;

/** The rules by the names of their tables. A table without one is closed. */
export type RowRules = Readonly<Record<string, RowRule>>;

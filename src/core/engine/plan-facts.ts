/** A read whose plan is asked for. It is never run. */
export interface ExplainedStatement {
  /** The text with its placeholders. */
  readonly sql: string;
  /** How many parameters it has. Their values are not needed: the plan is the one for any of them. */
  readonly parameterCount: number;
  /** Up to how many rows of a table are counted where the database has no statistics of it. */
  readonly countUpTo: number;
}

/** What the engine's own EXPLAIN says of a read, in words that all engines share. It holds no value. */
export interface PlanFacts {
  /** The plan from its top, a line a step. */
  readonly steps: readonly string[];
  /** The tables that are read from end to end. */
  readonly scans: readonly TableScan[];
  /** What is sorted, since no index gives it in order. */
  readonly sorts: readonly PlanSort[];
}

/** A table that is read from end to end. */
export interface TableScan {
  readonly table: string;
  /** What the statement calls it. */
  readonly alias: string;
  /** How many rows it has by the statistics, else as far as they were counted. */
  readonly rows: number;
  /** The foreign keys of the table that no index begins with, by their columns. */
  readonly foreignKeys: readonly (readonly string[])[];
}

/** A sort by the database. */
export interface PlanSort {
  readonly purpose: 'order by' | 'group by' | 'distinct';
  /** How many rows the database expects to sort; undefined where it does not tell. */
  readonly rows: number | undefined;
}

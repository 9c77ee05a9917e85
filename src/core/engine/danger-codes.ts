/**
 * What a statement of a migration can do to a database that is in use, by code. A migration names a code in
 * `reviewed` to say that it was looked at. A code keeps its name and its meaning.
 */
export const dangerMeanings = {
  'add-check': 'Adds a CHECK that is validated at once',
  'add-column-not-null': 'Adds a NOT NULL column without a default',
  'add-column-refused': 'Adds a column in a way that the engine refuses for a table with rows',
  'add-column-rewrite': 'Adds a column whose values have to be written into every row',
  'add-exclusion': 'Adds an exclusion constraint',
  'add-foreign-key': 'Adds a foreign key that is validated at once',
  'add-index': 'Adds an index while writes wait',
  'add-json-column': 'Adds a json column, which cannot be compared, where jsonb can',
  'add-partition': 'Attaches or makes a partition of a table in use',
  'add-unique': 'Adds a primary key or unique constraint, and builds its index while everybody waits',
  'backfill-in-transaction': 'Changes many rows in the transaction that has locked a table',
  'change-type': 'Changes the type of a column',
  'cluster-table': 'Rewrites a table in the order of an index',
  'concurrently-in-transaction': 'Runs in a transaction what cannot run in one',
  'delete-rows': 'Deletes rows',
  'detach-partition': 'Detaches a partition while everybody waits',
  'disable-trigger': 'Switches off triggers, and with them foreign keys',
  'drop-cascade': 'Drops whatever depends on it as well',
  'drop-column': 'Drops a column',
  'drop-constraint': 'Drops a constraint',
  'drop-index': 'Drops an index while everybody waits',
  'drop-object': 'Drops a view, type, function or the like',
  'drop-schema': 'Drops a schema',
  'drop-table': 'Drops a table',
  'lock-table': 'Locks a table by name',
  pragma: 'Sets or runs a PRAGMA',
  'rebuild-table': 'Copies a table into a new one that takes its name',
  'redirect-rows': 'Lets the statements of running code meet other rows, by a rule or by row level security',
  'refresh-view': 'Refreshes a materialized view while its readers wait',
  reindex: 'Rebuilds indexes while writes wait',
  'rename-column': 'Renames a column',
  'rename-object': 'Renames or moves a view, type, function or the like',
  'rename-schema': 'Renames a schema',
  'rename-table': 'Renames a table, or moves it into another schema',
  'rewrite-table': 'Rewrites a table',
  'set-not-null': 'Reads all of a table to see that a column has no NULL',
  truncate: 'Empties a table',
  'unknown-statement': 'Nobody can say what it does',
  'update-all-rows': 'Updates every row of a table',
  'vacuum-full': 'Rewrites a table to give back its space',
  'validate-with-add': 'Validates a constraint in the transaction that adds it',
} as const;

/** The code of a danger. */
export type DangerCode = keyof typeof dangerMeanings;

/** Dangers that lose data. A migration may explain them all at once, by `destructive`. */
export const destructiveCodes: ReadonlySet<DangerCode> = new Set([
  'delete-rows',
  'drop-cascade',
  'drop-column',
  'drop-schema',
  'drop-table',
  'truncate',
]);

/** Whether a text is the code of a danger. */
export function isDangerCode(text: string): text is DangerCode {
  return Object.hasOwn(dangerMeanings, text);
}

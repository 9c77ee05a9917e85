/**
 * Where it is noted what was done once for all, which holds wherever the rows go, with the columns. Each has the key
 * `name`.
 */
export const standingRecords: Readonly<Record<string, Readonly<Record<string, 'text' | 'bigint'>>>> = {
  liminal_seeds: { name: 'text', ran_at: 'bigint' },
  liminal_backfills: {
    name: 'text',
    definition: 'text',
    position: 'text',
    done: 'bigint',
    changed: 'bigint',
    started_at: 'bigint',
    changed_at: 'bigint',
    finished_at: 'bigint',
  },
};

/** What the migrate and copy rooms keep for themselves, beside the pair of tables of each migration set. */
const ownTables: ReadonlySet<string> = new Set([
  'liminal_migrations',
  'liminal_schemas',
  'liminal_migration_lock',
  ...Object.keys(standingRecords),
  'liminal_copy',
  'liminal_copy_quarantine',
]);

/**
 * Tells whether a table belongs to the record of migrations, which no schema counts. Pure.
 *
 * @param name of the table
 * @param all the names of all tables: `x_migration` alone is a table like any other, and a record beside its
 *   `x_migration_lock`
 */
export function isBookkeepingTable(name: string, all: ReadonlySet<string>): boolean {
  if (ownTables.has(name)) return true;
  const set = /^(.*)_migration(?:_lock)?$/s.exec(name)?.[1];
  return set !== undefined && all.has(`${set}_migration`) && all.has(`${set}_migration_lock`);
}

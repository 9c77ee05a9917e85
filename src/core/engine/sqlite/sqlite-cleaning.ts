import type { SqliteDatabase } from './sqlite-database.ts';
import type { SqliteRole } from './sqlite-settings.ts';

/** What SQLite sets where we set nothing, for each setting that changes what a statement does. */
const ownDefaults = [
  'automatic_index = ON',
  'case_sensitive_like = OFF',
  'count_changes = OFF',
  'empty_result_callbacks = OFF',
  // With foreign keys on, a temporary table that another one refers to would not go.
  'foreign_keys = OFF',
  'full_column_names = OFF',
  'ignore_check_constraints = OFF',
  'legacy_alter_table = OFF',
  'query_only = OFF',
  'read_uncommitted = OFF',
  'recursive_triggers = OFF',
  'reverse_unordered_selects = OFF',
  'short_column_names = ON',
  'writable_schema = OFF',
];

/**
 * Takes off a connection what a borrower has left on it: settings, attached databases, temporary tables. For a
 * database in memory, which would be gone if its connection were opened anew.
 *
 * @returns true: it is clean
 */
export function cleanInPlace(database: SqliteDatabase, role: SqliteRole): boolean {
  database.script(ownDefaults.map((setting) => `pragma ${setting};`).join(' '));
  for (const { name } of rowsOf(database, 'pragma database_list')) {
    if (name !== 'main' && name !== 'temp') database.command(`detach database ${quote(name)}`);
  }
  // Virtual tables first: they drop the tables behind them by themselves.
  const made = `select type, name from temp.sqlite_schema where name not like 'sqlite\\_%' escape '\\'
    order by sql like 'create virtual%' desc`;
  for (const { type, name } of rowsOf(database, made)) {
    database.command(`drop ${type} if exists temp.${quote(name)}`);
  }
  database.configure(role);
  return true;
}

/** Tidies a database up that is about to be closed. What it meets must not keep it from closing: a full disk, a lock. */
export function leaveInOrder(database: SqliteDatabase): void {
  try {
    database.run('pragma optimize', []);
  } catch {
    return;
  }
}

function rowsOf(database: SqliteDatabase, sql: string): { type: string; name: string }[] {
  return database.run<{ type: string; name: string }>(sql, []).rows;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

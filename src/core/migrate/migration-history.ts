/** Reads what a database has run of a migration set, and holds it against the set. It writes nothing. */
import type { Kysely } from 'kysely';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import type { MigrationSet } from './migration-set.ts';

/** A migration that the database has run. */
export interface AppliedMigration {
  readonly name: string;
  /** In ms since the Unix epoch, by the clock of the machine that ran it. */
  readonly appliedAt: number;
}

/** The tables of a set's history; two sets in one table would corrupt each other. */
export function historyTables(set: MigrationSet): { readonly ledger: string; readonly lock: string } {
  return { ledger: `${set.name}_migration`, lock: `${set.name}_migration_lock` };
}

/**
 * Reads the history of a set.
 *
 * @param db a root handle, a pinned one or a transaction
 * @param set the migration set
 * @param schema where its record lies; undefined where the engine has no schemas
 * @returns the applied migrations: as many of the set's, from its first
 * @throws MigrationError where the record is no beginning of the set
 */
export async function readHistory(
  db: Kysely<any>,
  set: MigrationSet,
  schema: string | undefined,
): Promise<readonly AppliedMigration[]> {
  const { ledger } = historyTables(set);
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === ledger && table.schema === schema)) return [];
  const rows: { name: string; timestamp: string }[] = await (
    schema === undefined ? db : db.withSchema(schema)
  )
    .selectFrom(ledger)
    .select(['name', 'timestamp'])
    .execute();
  const applied = rows
    .map(({ name, timestamp }) => ({ name, appliedAt: parseTimestamp(set, name, timestamp) }))
    .sort((a, b) => a.appliedAt - b.appliedAt || compareNames(a.name, b.name));
  checkHistory(set, applied);
  return applied;
}

/** By code unit, as names are sorted everywhere here; a locale would sort them differently by machine. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function parseTimestamp(set: MigrationSet, name: string, timestamp: string): number {
  const appliedAt = Date.parse(timestamp);
  if (!Number.isNaN(appliedAt)) return appliedAt;
  throw new MigrationError(
    `Table "${historyTables(set).ledger}" holds no readable time for migration "${name}". Nothing was run.`,
    set.name,
    name,
  );
}

function checkHistory(set: MigrationSet, applied: readonly AppliedMigration[]): void {
  for (const [index, { name }] of applied.entries()) {
    const expected = set.migrations[index]?.name;
    if (expected === name) continue;
    const isKnown = set.migrations.some((migration) => migration.name === name);
    throw new MigrationError(
      isKnown
        ? `The database has run migration "${name}" of set "${set.name}" without "${expected}", which comes before it. Give the new migration a name behind the last one that has run. Nothing was run.`
        : `The database has run migration "${name}" of set "${set.name}", which is not in the set. Use the version of the program that has it. Nothing was run.`,
      set.name,
      name,
    );
  }
}

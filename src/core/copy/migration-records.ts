import { isBookkeepingTable } from '../engine/bookkeeping-tables.ts';
import type { CopySide } from './copy-provider.ts';

/** Reads which migrations of which sets a database has run, by the records that each set keeps. */
async function readRecords({ db, traits }: CopySide): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = await traits.readNames(db);
  const records = [...names].filter((name) => name.endsWith('_migration') && isBookkeepingTable(name, names));
  const found = new Map<string, readonly string[]>();
  for (const record of records) {
    const rows = await db.selectFrom(record).select('name').orderBy('name').execute();
    if (rows.length === 0) continue;
    found.set(
      record.slice(0, -'_migration'.length),
      rows.map(({ name }) => String(name)),
    );
  }
  return found;
}

/**
 * Holds the migrations of both sides against each other. Nothing of what a migration did is looked at: the tables are
 * compared as well.
 *
 * @returns a sentence for each set in which they differ
 */
export async function compareMigrations(from: CopySide, to: CopySide): Promise<readonly string[]> {
  const [source, target] = [await readRecords(from), await readRecords(to)];
  return [...new Set([...source.keys(), ...target.keys()])].sort().flatMap((set) => {
    const [one, other] = [source.get(set) ?? [], target.get(set) ?? []];
    if (JSON.stringify(one) === JSON.stringify(other)) return [];
    const last = (names: readonly string[]) => names.at(-1) ?? 'nothing';
    return [
      `Migration set "${set}" differs: the source has run ${one.length} up to ${last(one)}, the target ${other.length} up to ${last(other)}.`,
    ];
  });
}

import { CopyRefusedError } from '../foundation/errors/copy-errors.ts';
import { pairTables, type CopiedTable } from './copied-table.ts';
import type { CopyOptions } from './copy-options.ts';
import { transferRecords } from '../engine/transfer-traits.ts';
import type { CopySide } from './copy-provider.ts';
import { compareMigrations } from './migration-records.ts';

/**
 * Finds what is to be copied, and migrates a target without tables where that is allowed.
 *
 * @returns the tables, and whether the target was migrated just now
 * @throws CopyRefusedError where the two sides do not fit each other
 */
export async function findCopiedTables(
  from: CopySide,
  to: CopySide,
  { migrate }: CopyOptions,
): Promise<{ tables: readonly CopiedTable[]; isFresh: boolean }> {
  if (await isUnfinished(from)) {
    throw new CopyRefusedError([
      'The source is not whole: a copy into it was broken off. Go on with that one first.',
    ]);
  }
  const source = await from.traits.readTables(from.db);
  let target = await to.traits.readTables(to.db);
  const isFresh = target.length === 0 && source.length > 0;
  if (isFresh) {
    if (migrate === undefined) {
      throw new CopyRefusedError(['The target has no tables. Migrate it first, or let the copy do so.']);
    }
    await migrate(to.provider);
    target = await to.traits.readTables(to.db);
  }
  const reasons = await compareMigrations(from, to);
  if (reasons.length > 0) throw new CopyRefusedError(reasons);
  return { tables: pairTables(source, target), isFresh };
}

async function isUnfinished({ db, traits }: CopySide): Promise<boolean> {
  return (await traits.readNames(db)).has(transferRecords.notes);
}

import { DatabaseBusyError } from '../../core/index.ts';
import { makeLegacyId } from './legacy-id.ts';
import type { LegacyHandle } from './legacy-tables.ts';

/** How far an import is. */
export interface LegacyPlace {
  /** The step that is next, from 0. */
  readonly stage: number;
  /** The rowid of the last row that is done in it; null before the first one. */
  readonly rowid: string | null;
}

/** An import, as its target knows it. */
export interface BegunImport extends LegacyPlace {
  /** Of the snapshots that it began with. */
  readonly fingerprint: string;
  /** Whether the target held nothing else of the chat then; false where it was said that it may. */
  readonly isAlone: boolean;
}

/** There is one import a database. */
const importId = makeLegacyId('import');

/** Finds the import that a database holds. */
export async function findImport(db: LegacyHandle): Promise<BegunImport | undefined> {
  const row = await db
    .selectFrom('legacy_imports')
    .select(['fingerprint', 'stage', 'last_rowid', 'is_alone'])
    .where('id', '=', importId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { fingerprint, stage, last_rowid: rowid, is_alone: isAlone } = row;
  return { fingerprint, stage, rowid, isAlone: isAlone === 1 };
}

/** Notes that an import begins. */
export async function beginImport(
  db: LegacyHandle,
  { fingerprint, stage, rowid, isAlone }: BegunImport,
): Promise<void> {
  await db
    .insertInto('legacy_imports')
    .values({ id: importId, fingerprint, stage, last_rowid: rowid, is_alone: isAlone ? 1 : 0 })
    .execute();
}

/**
 * Notes that an import has come further.
 *
 * @param tx the transaction of what was imported
 * @param from where it was
 * @param to where it is
 * @throws DatabaseBusyError where it is not there any more: another process imports into the same database
 */
export async function moveImport(tx: LegacyHandle, from: LegacyPlace, to: LegacyPlace): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('legacy_imports')
    .set({ stage: to.stage, last_rowid: to.rowid })
    .where('id', '=', importId)
    .where('stage', '=', from.stage)
    .where('last_rowid', 'is not distinct from', from.rowid)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 1n) return;
  throw new DatabaseBusyError(
    'Another process imports a legacy database into this one. Wait for its end; what it has imported stays.',
  );
}

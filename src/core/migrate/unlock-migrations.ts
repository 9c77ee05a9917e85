import type { MigratableDatabase } from './migratable-database.ts';

/** How far unlocking goes. */
export interface UnlockOptions {
  /** Whether the lock is taken from a process that lives. False by default. */
  readonly force?: boolean;
}

/** Who held the lock, and what became of it. */
export interface UnlockReport {
  /** A process and where it runs, in words; undefined where nobody held the lock. */
  readonly holder: string | undefined;
  /** Whether nobody holds it now. */
  readonly isFree: boolean;
}

/** Tells who holds the lock, and takes it away where that is asked for, or the holder is gone. */
export async function unlockMigrations(
  { db, migrations: { lock } }: MigratableDatabase,
  { force = false }: UnlockOptions,
): Promise<UnlockReport> {
  return db.connection().execute(async (connection) => {
    const holder = await lock.findHolder(connection);
    if (holder === undefined) return { holder: undefined, isFree: true };
    const isFree = force || holder.isGone;
    if (isFree) await lock.break(connection);
    return { holder: holder.description, isFree };
  });
}

import { statSync } from 'node:fs';
import type { SqliteDatabase } from './sqlite-database.ts';
import { walLimit } from './sqlite-settings.ts';

/**
 * Empties the write-ahead log into the file and cuts it back, where it is too long. SQLite does so by itself
 * only with the commits that come later.
 *
 * @param writer the connection that checkpoints; nobody else may be using it
 * @returns whether the log is short now; false where a snapshot is in the way
 */
export function shortenLog(writer: SqliteDatabase, filename: string): boolean {
  const size = statSync(`${filename}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= walLimit) return true;
  try {
    const [row] = writer.run<{ busy: number }>('pragma wal_checkpoint(truncate)', []).rows;
    return row?.busy === 0;
  } catch {
    return false;
  }
}

import { statSync } from 'node:fs';
import type { WalGauges } from '../engine-gauges.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { walLimit } from './sqlite-settings.ts';

/** Cuts the write-ahead log of one database back where it has grown behind a long snapshot, and counts that. */
export class Checkpoints {
  #made = 0;
  #failed = 0;
  #time = 0;

  /**
   * Empties the write-ahead log into the file and cuts it back, where it is too long. SQLite does so by itself
   * only with the commits that come later.
   *
   * @param writer the connection that checkpoints; nobody else may be using it
   * @returns whether the log is short now; false where a snapshot is in the way
   */
  shortenLog(writer: SqliteDatabase, filename: string): boolean {
    const size = statSync(`${filename}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= walLimit) return true;
    const start = performance.now();
    const isShort = checkpoint(writer);
    this.#time += performance.now() - start;
    this.#made += 1;
    if (!isShort) this.#failed += 1;
    return isShort;
  }

  stats(): Pick<WalGauges, 'checkpoints' | 'checkpointTime' | 'failedCheckpoints'> {
    return { checkpoints: this.#made, checkpointTime: this.#time, failedCheckpoints: this.#failed };
  }
}

function checkpoint(writer: SqliteDatabase): boolean {
  try {
    const [row] = writer.run<{ busy: number }>('pragma wal_checkpoint(truncate)', []).rows;
    return row?.busy === 0;
  } catch {
    return false;
  }
}

import { Kysely } from 'kysely';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupReport } from '../backup.ts';
import type { OpenEngine } from '../engine.ts';
import type { TransferTraits } from '../transfer-traits.ts';
import { exists, removePartials } from './durable-file.ts';
import type { SnapshotOptions } from './sqlite-backup.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';
import { SqliteTransferSource } from './sqlite-transfer-source.ts';
import { SqliteTransferTarget, type SqliteTransferTargetOptions } from './sqlite-transfer-target.ts';
import { readSqliteNames, readSqliteTables } from './sqlite-transfer-tables.ts';

/** What copies of a SQLite database are made with. */
export interface SqliteTransferOptions extends SqliteTransferTargetOptions {
  /** An absolute path, or `:memory:`. */
  readonly filename: string;
  readonly memory: boolean;
  backUp(file: string, options: SnapshotOptions): Promise<BackupReport>;
  /** Opens another file in the same way. */
  openFile(file: string): OpenEngine;
}

/** Which file a snapshot lies in: beside the database, where there is room for it, and with the same neighbours. */
function fileOf({ filename, memory }: SqliteTransferOptions, id: string): string {
  return memory ? join(tmpdir(), `liminal-copy-${id}.db`) : `${filename}.copy-${id}`;
}

/** How whole databases get out of SQLite and into it: out of a backup, over the lane of the writer. */
export function createSqliteTransfer(lanes: SqliteLanes, options: SqliteTransferOptions): TransferTraits {
  return {
    holdsNul: true,
    holdsNaN: false,
    readTables: readSqliteTables,
    readNames: readSqliteNames,
    // Nothing changes how SQLite writes a value.
    settle: async () => {},
    async openSource(id) {
      const file = fileOf(options, id);
      // A run that was killed meanwhile has left what it had of the snapshot.
      await removePartials(file);
      // A file that is not whole never has the name.
      const isKept = await exists(file);
      if (!isKept) await options.backUp(file, { check: false });
      return SqliteTransferSource.open(file, isKept, async (name, work) => {
        const { dialect } = options.openFile(name);
        const db = new Kysely<any>({ dialect });
        try {
          return await work(db);
        } finally {
          await db.destroy();
        }
      });
    },
    openTarget: async () => new SqliteTransferTarget(lanes, options),
  };
}

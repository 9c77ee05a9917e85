import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { DatabaseConfig } from '../core/index.ts';
import { describeDatabase } from './open-database.ts';

/**
 * The file of a database.
 *
 * @param database the configuration, as it was parsed
 * @returns its whole path; undefined where the database has no file of its own
 */
export function fileOf({ connection }: DatabaseConfig): string | undefined {
  const { filename, memory = false } = connection as {
    readonly filename?: string;
    readonly memory?: boolean;
  };
  return filename === undefined || memory ? undefined : resolve(filename);
}

/**
 * Where the snapshots of an import are until its end, where nothing else is said: beside the file of the target, else in
 * the working directory. No two databases share one, since an import that begins removes what lies in its folder.
 *
 * @param database the target
 * @param cwd the working directory
 * @returns the whole path of a folder that need not be there
 */
export function stateFolderOf(database: DatabaseConfig, cwd: string): string {
  const file = fileOf(database);
  if (file !== undefined) return `${file}.legacy-import`;
  const { database: name = database.type } = database.connection as { readonly database?: string };
  // Server and port may hold what a file name does not, and so may the name, which is there to be read.
  const hash = createHash('sha256').update(describeDatabase(database)).digest('hex').slice(0, 12);
  return join(cwd, `legacy-import-${name.replaceAll(/[^\w-]/g, '_').slice(0, 40)}-${hash}`);
}

import type { BackupOptions, BackupReport } from '../engine/backup.ts';
import type { OpenEngine } from '../engine/engine.ts';
import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { outside } from './transaction-context.ts';

/**
 * Asks an engine for a backup, also from within a transaction, of which the backup is no part.
 *
 * @throws ConfigurationError where the engine makes none; and what its backup throws
 */
export async function makeBackup(
  { engine, type }: { readonly engine: OpenEngine; readonly type: string },
  file: string,
  options: BackupOptions,
): Promise<BackupReport> {
  if (engine.backup === undefined) {
    throw new ConfigurationError(
      `A backup was asked for, and the engine "${type}" makes none. Use the tools of its database.`,
    );
  }
  const make = engine.backup.bind(engine);
  return outside(() => make(file, options));
}

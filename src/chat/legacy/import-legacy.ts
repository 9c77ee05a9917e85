import type { DatabaseProvider } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import type { LegacyImportOptions, LegacyImportReport } from './legacy-import-options.ts';

/**
 * Imports databases of the Liminal Type Chat application, in which whole threads lie as JSON texts, into the tables of
 * the chat. The tables are brought up to date first. It works on snapshots of the databases, and can be killed at any
 * moment: what is imported is committed with how far it is, so that the next call goes on, and a call behind the end
 * proves once more. What cannot be taken as it is goes to the table `legacy_quarantine`; see `docs/legacy-import.md`. It
 * records nothing in an audit trail.
 *
 * @param provider of the target
 * @param options the databases, the folder for the snapshots, and the keys
 * @returns what has come of it; it is for the caller to look at `proof.differences`
 * @throws ValidationError where the options break a rule
 * @throws ConfigurationError where a database is not there, or is none; where keys are missing, or the legacy key opens no
 *   API key; where the target holds other rows, or the import of other databases. Nothing was imported then
 * @throws DatabaseBusyError where another process imports into the same database
 * @throws MigrationError where the tables cannot be brought up to date
 * @example
 * const report = await importLegacy(store.provider, {
 *   sources: ['./liminal.db'],
 *   stateFolder: './liminal-import',
 *   legacyKey: Buffer.from(process.env.OLD_KEY ?? '', 'base64'),
 *   encryption: KeyRing.fromEnv(),
 * });
 */
export async function importLegacy(
  provider: DatabaseProvider<ChatDatabase>,
  options: LegacyImportOptions,
): Promise<LegacyImportReport> {
  // Loaded here, so that an application that imports nothing waits for none of it.
  const { runLegacyImport } = await import('./run-legacy-import.ts');
  return runLegacyImport(provider, options);
}

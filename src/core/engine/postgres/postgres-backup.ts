import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';

/** What is said to whoever wants a backup of Postgres, which has tools of its own for that. */
export function noBackupError(settings: PostgresSettings, file: string): ConfigurationError {
  const command = ['pg_dump', '--format=custom', `--file=${quote(file)}`, ...placeOf(settings)].join(' ');
  return new ConfigurationError(
    `Backups of Postgres are made by its own tools, so none was made. Run: ${command}${aboutPassword}`,
  );
}

/** The same for a restore. */
export function noRestoreError(settings: PostgresSettings, file: string): ConfigurationError {
  const command = [
    'pg_restore',
    '--clean',
    '--if-exists',
    '--single-transaction',
    ...placeOf(settings),
    quote(file),
  ];
  return new ConfigurationError(
    `Backups of Postgres are restored by its own tools, so nothing was restored. Run: ${command.join(' ')}${aboutPassword}`,
  );
}

const aboutPassword = ' (the password, where one is needed, comes from PGPASSWORD or ~/.pgpass)';

function placeOf({ host, port, user, database }: PostgresSettings): readonly string[] {
  return [
    `--host=${quote(host)}`,
    `--port=${port}`,
    `--username=${quote(user)}`,
    `--dbname=${quote(database)}`,
  ];
}

/** As a POSIX shell takes it for one word. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

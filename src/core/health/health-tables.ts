import type { Kysely } from 'kysely';

/** The table of the migration set `health`. */
export interface HealthTables {
  health_checks: HealthChecksRow;
}

interface HealthChecksRow {
  id: string;
  check_type: string;
  status: string;
  message: string | null;
  checked_at: number;
  duration_ms: number | null;
}

/** The table by a handle of the application's. Its plugins stay outside: one that renames columns would hide it. */
export function healthTablesOf(handle: object): Kysely<HealthTables> {
  const db = handle as Kysely<HealthTables>;
  return db.getExecutor().plugins.length === 0 ? db : db.withoutPlugins();
}

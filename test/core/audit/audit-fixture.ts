/** What the tests of the audit trail share: a database with its tables, and keys. */
import {
  DatabaseProviderFactory,
  type DatabaseProvider,
  type ProviderOptions,
} from '../../../src/core/index.ts';
import { auditMigrations } from '../../../src/core/audit/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import { Migrator } from '../../../src/core/migrate/index.ts';
import { KeyRing } from '../../../src/core/security/index.ts';

/** Opens a database that has the tables of the audit trail. */
export async function openAuditDatabase(
  url: string,
  options: ProviderOptions<AuditTables> = {},
): Promise<DatabaseProvider<AuditTables>> {
  const provider = DatabaseProviderFactory.createProvider<AuditTables>(url, options);
  await new Migrator(provider, auditMigrations).latest();
  return provider;
}

/** The same keys at every call: 32 bytes that are made of the name. */
export function auditKeys(name = 'audit'): KeyRing {
  return KeyRing.of([{ id: name, key: Uint8Array.from({ length: 32 }, (_, at) => byteOf(name, at)) }]);
}

function byteOf(name: string, at: number): number {
  return ((name.charCodeAt(at % name.length) + at) * 97 + at * at * 31 + 7) % 256;
}

/** Every row of the trail, chain by chain. */
export function readRows({ db }: Pick<DatabaseProvider<AuditTables>, 'db'>) {
  return db.selectFrom('audit_logs').selectAll().orderBy('stream').orderBy('seq').execute();
}

import { AuditLog, auditMigrations, type AuditEvent } from '../core/audit/index.ts';
import type { DatabaseProvider } from '../core/index.ts';
import { Migrator } from '../core/migrate/index.ts';
import type { KeyRing } from '../core/security/index.ts';
import { asCaller } from './audit-options.ts';

/** Whether a database has an audit trail. It changes nothing. */
export async function hasAuditTrail(provider: DatabaseProvider<unknown>): Promise<boolean> {
  const steps = await new Migrator(provider, auditMigrations).status();
  return steps.some(({ appliedAt }) => appliedAt !== undefined);
}

/** Records what a verb does, in the name of who has called, where the database has an audit trail. */
export async function recordWork(
  provider: DatabaseProvider<unknown>,
  keys: KeyRing,
  event: AuditEvent,
): Promise<void> {
  if (!(await hasAuditTrail(provider))) return;
  const log = new AuditLog(provider, { keys });
  await asCaller(() => provider.transaction((tx) => log.record(tx, event)));
}

import { auditTablesOf } from '../core/audit/audit-tables.ts';
import { ConfigurationError, type DatabaseProvider } from '../core/index.ts';
import type { KeyRing } from '../core/security/index.ts';

/**
 * Refuses keys that are not those of the audit trail: what is written with a key of somewhere else can never be verified,
 * and stays in the trail for good. Call it before anything is written.
 *
 * @throws ConfigurationError where the newest entry was written with a key that is not among the keys
 */
export async function requireKeyOfTrail({ db }: DatabaseProvider<unknown>, keys: KeyRing): Promise<void> {
  // Ids grow with time, whatever the chain.
  const newest = await auditTablesOf(db)
    .selectFrom('audit_logs')
    .select('key_id')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (newest === undefined || keys.has(newest.key_id)) return;
  throw new ConfigurationError(
    `The trail was written with the key ${newest.key_id}, which is not among the keys given (${keys.ids.join(', ')}). Take the keys that it was written with. Nothing was written.`,
  );
}

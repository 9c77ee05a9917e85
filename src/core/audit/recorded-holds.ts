import type { Kysely } from 'kysely';
import type { MacKeys } from '../foundation/mac-keys.ts';
import type { Filter } from '../query/filter.ts';
import { auditColumns, type AuditEntries } from './audit-entries.ts';
import { entryFromRow } from './audit-entry.ts';
import type { AuditLogsTable, AuditTables } from './audit-tables.ts';
import type { ChainRow } from './chain-row.ts';
import { eraseAction } from './erasures.ts';
import { examineRow } from './examine-row.ts';
import type { HoldScope, LegalHold } from './hold.ts';

/** The action of the events that say that a hold was placed. */
export const holdAction = 'audit.hold';
/** The action of the events that say that a hold was released. */
export const releaseAction = 'audit.release';

/** What is never purged nor erased: what explains erasures, and what proves holds. */
export const isLasting: Filter<AuditLogsTable> = { action: { in: [eraseAction, holdAction, releaseAction] } };

/**
 * Reads the holds that the trail tells of, and no event has released. Their table can be changed by whoever can write to
 * the database; these events nobody makes without the keys.
 *
 * @param on the transaction; undefined outside of one
 * @returns the holds by their ids
 */
export async function recordedHolds(
  keys: MacKeys,
  entries: AuditEntries,
  on: Kysely<AuditTables> | undefined,
): Promise<ReadonlyMap<string, LegalHold>> {
  const rows: ChainRow[] = await entries.findMany(
    // An erased content has no code any more that could prove the event.
    { action: { in: [holdAction, releaseAction] }, content: { isNull: false } },
    { select: auditColumns, on },
  );
  const events = rows.filter((row) => examineRow(keys, row) === 'genuine').map(entryFromRow);
  const holds = new Map<string, LegalHold>();
  for (const { action, entity, actor, metadata, reason, recordedAt } of events) {
    if (action !== holdAction || entity?.id === undefined) continue;
    holds.set(entity.id, {
      id: entity.id,
      what: metadata?.['what'] as HoldScope,
      reason: reason ?? '',
      placedAt: recordedAt,
      placedBy: actor?.id,
      releasedAt: undefined,
      releasedBy: undefined,
    });
  }
  for (const { action, entity } of events)
    if (action === releaseAction && entity?.id !== undefined) holds.delete(entity.id);
  return holds;
}

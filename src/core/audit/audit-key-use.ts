import { auditTablesOf } from './audit-tables.ts';

/**
 * Counts what the trail has of each key: without the key nobody can prove it any more. A key stays on the ring for as
 * long as there is something of it; rotating changes nothing of that, since the trail is never written anew.
 *
 * @param provider whose trail it is; `DatabaseProvider` fits
 * @returns the entries and the summaries of purged ones, by the id of the key. It reads all of them
 * @throws the errors of any statement
 * @example
 * const entries = (await auditKeyUse(provider)).get('2026-07') ?? 0;
 */
export async function auditKeyUse(provider: { readonly db: object }): Promise<ReadonlyMap<string, number>> {
  const db = auditTablesOf(provider.db);
  const uses = new Map<string, number>();
  for (const table of ['audit_logs', 'audit_segments'] as const) {
    const rows = await db
      .selectFrom(table)
      .select(({ fn }) => ['key_id', fn.countAll<number>().as('count')])
      .groupBy('key_id')
      .execute();
    for (const { key_id, count } of rows) uses.set(key_id, (uses.get(key_id) ?? 0) + Number(count));
  }
  return uses;
}

import type { Kysely } from 'kysely';
import { AuditTamperedError } from '../foundation/errors/audit-errors.ts';
import { UnknownKeyError } from '../foundation/errors/security-errors.ts';
import type { MacKeys } from '../foundation/mac-keys.ts';
import { auditColumns, type AuditEntries } from './audit-entries.ts';
import type { AuditTables } from './audit-tables.ts';
import type { ChainRow } from './chain-row.ts';
import { eraseAction, Erasures } from './erasures.ts';
import { examineRow } from './examine-row.ts';

/**
 * Refuses to purge or erase what was tampered with: what is left in its place, a signed summary or the event of an
 * erasure, would vouch for it. Whether the first row follows the one before it is for `verify` to see: the summary keeps its link.
 *
 * @param rows of one chain, in their order, maybe with gaps; at least one
 * @param db the transaction of the purge or the erasure
 * @throws AuditTamperedError for the first row that is not what was recorded; UnknownKeyError where the key of a row is
 *   gone
 */
export async function refuseTampered(
  keys: MacKeys,
  entries: AuditEntries,
  rows: readonly [ChainRow, ...ChainRow[]],
  db: Kysely<AuditTables>,
): Promise<void> {
  const [{ stream }] = rows;
  rows.forEach((row, index) => {
    const before = rows[index - 1];
    const isLinked = before?.seq !== row.seq - 1 || before.hash === row.prev_hash;
    const standing = examineRow(keys, row);
    if (standing === 'unknown-key') {
      const message = `The entry ${row.seq} of the audit stream "${stream}" was recorded with the key ${row.key_id}, which is not there: it cannot be checked, so it stays as it is.`;
      throw new UnknownKeyError(message, row.key_id);
    }
    if (!isLinked || standing !== 'genuine') throw new AuditTamperedError(stream, row.seq);
  });
  const erased = rows.filter(({ content }) => content === null);
  if (erased.length === 0) return;
  const unexplained = (await readErasures(keys, entries, stream, db)).findUnexplained(stream, erased);
  if (unexplained !== undefined) throw new AuditTamperedError(stream, unexplained.seq);
}

async function readErasures(
  keys: MacKeys,
  entries: AuditEntries,
  stream: string,
  db: Kysely<AuditTables>,
): Promise<Erasures> {
  const rows: ChainRow[] = await entries.findMany(
    { action: eraseAction, content: { contains: JSON.stringify(stream) } },
    { select: auditColumns, on: db },
  );
  const erasures = new Erasures();
  for (const row of rows) erasures.read(keys, row);
  return erasures;
}

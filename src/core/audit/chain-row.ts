/**
 * The rows of a chain as they are sealed, in the one form that is hashed. All of it is pure, and changing any of it
 * would make every trail look forged: a new form needs a new number.
 */
import type { Selectable } from 'kysely';
import type { MacKeys } from '../foundation/mac-keys.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import type { AuditLogsTable } from './audit-tables.ts';

/** A row of the trail. */
export type ChainRow = Selectable<AuditLogsTable>;

/** What a row tells, without its place in a chain. */
export type RowFacts = Omit<
  ChainRow,
  'seq' | 'content' | 'content_digest' | 'key_id' | 'prev_hash' | 'hash'
> & {
  readonly content: string;
};

/** What of a row is hashed. */
export type HashedRow = Omit<ChainRow, 'content' | 'hash'>;

/** The last row of a chain, as far as the next one refers to it. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** What the first row of a chain refers to. */
export const emptyChain: ChainHead = { seq: 0, hash: '0'.repeat(64) };

const formNumber = 1;

/**
 * Puts a row behind the head of its chain.
 *
 * @throws UnknownKeyError where the keys have no active one
 */
export function sealRow(keys: MacKeys, facts: RowFacts, head: ChainHead): ChainRow & { content: string } {
  const row = {
    ...facts,
    seq: head.seq + 1,
    key_id: keys.activeId,
    content_digest: '',
    prev_hash: head.hash,
    hash: '',
  };
  const form = openForm(row);
  row.content_digest = digestOf(keys, row, row.content, form);
  row.hash = hashOf(row, form);
  return row;
}

/**
 * The keyed code of a row's content and of all that the row says beside it. Nobody makes one without the key, so that
 * no row can be written, changed or moved to another place by whoever can only write to the database.
 *
 * @param form `openForm` of the row, where it is known
 * @throws UnknownKeyError where the key of the row is gone
 */
export function digestOf(keys: MacKeys, row: HashedRow, content: string, form = openForm(row)): string {
  return keys.mac('audit content', `${form},${content}]`, row.key_id);
}

/**
 * The hash of a row: SHA-256 of all but its content, which counts by its digest, as a JSON array (RFC 8785).
 *
 * @param form `openForm` of the row, where it is known
 */
export function hashOf(row: HashedRow, form = openForm(row)): string {
  const text = `${form},${JSON.stringify(row.content_digest)},${JSON.stringify(row.prev_hash)}]`;
  return loadCrypto().hash('sha256', text, 'hex');
}

/** What a row tells beside its content and its links, as the beginning of a JSON array. */
export function openForm(row: HashedRow): string {
  const list = JSON.stringify([
    formNumber,
    row.stream,
    row.seq,
    row.id,
    row.recorded_at,
    row.tenant,
    row.actor_type,
    row.actor_id,
    row.action,
    row.entity_type,
    row.entity_id,
    row.request_id,
    row.trace_id,
    row.key_id,
  ]);
  return list.slice(0, -1);
}

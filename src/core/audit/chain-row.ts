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

/** What binds a row into its chain. */
export interface ChainLink extends ChainHead {
  readonly prev_hash: string;
}

/** What the first row of a chain refers to. */
export const emptyChain: ChainHead = { seq: 0, hash: '0'.repeat(64) };

/** Stands between the parts of a form. */
export const formSeparator = '\u001F';

/**
 * What a row tells beside its content and its links, in the order of its form. A column that may be NULL has a letter
 * ahead of its value, and nothing where it is NULL.
 */
export const toldColumns = {
  whole: ['stream', 'seq', 'id', 'recorded_at', 'key_id', 'action'],
  maybe: ['tenant', 'actor_type', 'actor_id', 'entity_type', 'entity_id', 'request_id', 'trace_id'],
} as const satisfies Record<string, readonly (keyof HashedRow)[]>;

/** How the form of a row begins: with the number of the form. */
export const formStart = '1';

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
  const form = formOf(row);
  row.content_digest = digestOf(keys, row, row.content, form);
  row.hash = hashOf(row, form);
  return row;
}

/**
 * The keyed code of a row's content and of all that the row says beside it. Nobody makes one without the key, so that
 * no row can be written, changed or moved to another place by whoever can only write to the database.
 *
 * @param form `formOf` of the row, where it is known
 * @throws UnknownKeyError where the key of the row is gone
 */
export function digestOf(keys: MacKeys, row: HashedRow, content: string, form = formOf(row)): string {
  return keys.mac('audit content', `${form}${formSeparator}${content}`, row.key_id);
}

/**
 * The hash of a row: SHA-256 of all but its content, which counts by its digest.
 *
 * @param form `formOf` of the row, where it is known
 */
export function hashOf(row: HashedRow, form = formOf(row)): string {
  return hashText(`${row.prev_hash}${formSeparator}${row.content_digest}${formSeparator}${form}`);
}

/** SHA-256, in hex. */
export function hashText(text: string): string {
  return loadCrypto().hash('sha256', text, 'hex');
}

/**
 * What a row tells beside its content and its links, as one text that no other row has: its values with a separator
 * between them, which a database can put together as well; and a JSON array (RFC 8785) where a value holds the
 * separator.
 */
export function formOf(row: HashedRow): string {
  let form = formStart;
  for (const column of toldColumns.whole) form += `${formSeparator}${row[column]}`;
  for (const column of toldColumns.maybe) {
    const value = row[column];
    form += value === null ? formSeparator : `${formSeparator}=${value}`;
  }
  return countSeparators(form) === separators ? form : listForm(row);
}

const separators = toldColumns.whole.length + toldColumns.maybe.length;

function countSeparators(form: string): number {
  let count = 0;
  for (let at = form.indexOf(formSeparator); at !== -1; at = form.indexOf(formSeparator, at + 1)) count += 1;
  return count;
}

function listForm(row: HashedRow): string {
  const columns = [...toldColumns.whole, ...toldColumns.maybe];
  return JSON.stringify([formStart, ...columns.map((column) => row[column])]);
}

import { loadCrypto } from '../foundation/node-crypto.ts';
import type { TransferCell } from '../engine/transfer-table.ts';
import type { TransferNote } from '../engine/transfer-traits.ts';
import type { BadRowCount } from '../foundation/errors/copy-errors.ts';

/** What is wrong with a row. */
export type BadRowReason =
  | 'nul-in-text'
  | 'not-text'
  | 'integer-out-of-range'
  | 'invalid-json'
  | 'invalid-uuid'
  | 'not-a-number'
  | 'wrong-type'
  | 'null-not-allowed'
  | 'broken-reference'
  | 'refused-by-target';

/** A row that was not copied. */
export interface BadRow {
  /** Its table. */
  readonly table: string;
  /** The values of its primary key as texts; of all columns where the table has none. */
  readonly key: Readonly<Record<string, string | null>>;
  /** The columns that are at fault; empty where the target refused the row for a reason of its own. */
  readonly columns: readonly string[];
  /** What is wrong. */
  readonly reason: BadRowReason;
}

/** A row as it lies in quarantine: with all that it held. */
export interface QuarantinedRow {
  readonly table: string;
  readonly columns: readonly string[];
  readonly reason: BadRowReason;
  /** Bytes are hexadecimal behind `\x`. */
  readonly row: Readonly<Record<string, string | null>>;
}

/** A value as a text. Bytes where a text belongs are told as the text that a reader makes of them. */
export function textOfCell(value: TransferCell, isText: boolean): string | null {
  if (value === null) return null;
  if (!Buffer.isBuffer(value)) return String(value);
  return isText ? value.toString('utf8') : `\\x${value.toString('hex')}`;
}

/**
 * Makes the note of a row in quarantine.
 *
 * @param place of the row in its table, from 1; undefined for one that was found later
 */
export function noteOf(row: QuarantinedRow, place: number | undefined): TransferNote {
  const name = place === undefined ? `orphan ${loadCrypto().randomUUID()}` : String(place);
  return { name: `${JSON.stringify(row.table)} ${name}`, text: JSON.stringify(row) };
}

/** Counts bad rows by what is wrong with them. */
export class BadRowCounts {
  readonly #counts = new Map<string, BadRowCount>();

  add({ table, columns, reason }: QuarantinedRow): void {
    const key = JSON.stringify([table, columns, reason]);
    const before = this.#counts.get(key)?.rows ?? 0;
    this.#counts.set(key, { table, columns, reason, rows: before + 1 });
  }

  /** The tables in the order of their names. */
  list(): readonly BadRowCount[] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
  }
}

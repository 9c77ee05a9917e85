import { loadCrypto } from '../foundation/node-crypto.ts';
import type { TransferCell, TransferColumn } from '../engine/transfer-table.ts';
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
  | 'rounded'
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
  /** The columns of something else than bytes that hold some, left out where there are none. */
  readonly bytes?: readonly string[];
}

/** The values of a row as they lie in quarantine. */
export function keepValues(
  columns: readonly TransferColumn[],
  values: readonly TransferCell[],
): Pick<QuarantinedRow, 'row' | 'bytes'> {
  const isBytes = columns.map((_, index) => Buffer.isBuffer(values[index]));
  const bytes = columns.filter(({ kind }, index) => kind !== 'blob' && isBytes[index] === true);
  return {
    row: Object.fromEntries(columns.map(({ name }, index) => [name, textOf(values[index] ?? null)])),
    ...(bytes.length > 0 && { bytes: bytes.map(({ name }) => name) }),
  };
}

function textOf(value: TransferCell): string | null {
  if (value === null) return null;
  return Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : String(value);
}

/** A value out of quarantine, as a reader of the source has it: it makes a text of bytes where one belongs. */
export function keptValue({ row, bytes = [] }: QuarantinedRow, column: string): string | null | undefined {
  const text = row[column];
  return text != null && bytes.includes(column) ? Buffer.from(text.slice(2), 'hex').toString('utf8') : text;
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

/** What a copy notes in its target: which snapshot it copies, and how far each table is. */
import type { TransferNote } from '../engine/transfer-traits.ts';

/** How far a table is. */
export interface TableState {
  /** How many rows of the source are done, good or bad. */
  readonly rows: number;
  /** Whether there are no more. */
  readonly isDone: boolean;
}

const snapshotNote = 'snapshot';
const tablePrefix = 'table ';

/** @returns the id of the snapshot that is copied; undefined where no copy is under way */
export function snapshotIn(notes: ReadonlyMap<string, string>): string | undefined {
  return notes.get(snapshotNote);
}

export function noteSnapshot(id: string): TransferNote {
  return { name: snapshotNote, text: id };
}

/** Whether a copy has come to a table: it was emptied, if nothing more. */
export function isNoted(notes: ReadonlyMap<string, string>, table: string): boolean {
  return notes.has(`${tablePrefix}${table}`);
}

/** @returns how far a table is */
export function stateIn(notes: ReadonlyMap<string, string>, table: string): TableState {
  const text = notes.get(`${tablePrefix}${table}`);
  return text === undefined ? { rows: 0, isDone: false } : (JSON.parse(text) as TableState);
}

export function noteTable(table: string, state: TableState): TransferNote {
  return { name: `${tablePrefix}${table}`, text: JSON.stringify(state) };
}

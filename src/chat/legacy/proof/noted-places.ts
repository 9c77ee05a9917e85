import type { LegacyHandle, LegacyQuarantineTable } from '../legacy-tables.ts';

type Note = Pick<LegacyQuarantineTable, 'place' | 'outcome' | 'seq' | 'reason'>;

/** What the quarantine says of one record. */
export class NotedPlaces {
  readonly #notes: readonly Note[];
  // A thread may have a note for each of its messages, and each of them is asked for.
  readonly #left = new Set<string>();
  readonly #mended = new Set<string>();
  readonly #mendedAt = new Set<string>();

  constructor(notes: readonly Note[]) {
    this.#notes = notes;
    for (const { place, outcome, seq } of notes) {
      (outcome === 'left_out' ? this.#left : this.#mended).add(place);
      if (seq !== null) this.#mendedAt.add(`${seq} ${place.slice(place.lastIndexOf('.') + 1)}`);
    }
  }

  /** Whether the whole record did not come in. */
  get isLeftOut(): boolean {
    return this.#left.has('id') || this.#left.has('email');
  }

  /** Whether something did not come in. */
  isOut(place: string): boolean {
    return this.#left.has(place);
  }

  /** Whether a column could not be read, so that nobody knows what would have come in of it. */
  isUnreadable(column: string): boolean {
    return this.#notes.some(({ place, reason }) => place === column && reason.startsWith('json-is-'));
  }

  /** Whether something was mended. */
  isMended(place: string): boolean {
    return this.#mended.has(place);
  }

  /** Whether something was mended in the message that has a place in its thread. */
  isMendedAt(seq: number, field: string): boolean {
    return this.#mendedAt.has(`${seq} ${field}`);
  }

  /** How many members of a column did not come in. */
  countOut(column: string): number {
    const members = new Set<string | undefined>();
    for (const { place, outcome } of this.#notes) {
      // Of a member that is out, more than one thing may be said.
      if (outcome === 'left_out' && place.startsWith(`${column}.`)) members.add(place.split('.')[1]);
    }
    return members.size;
  }
}

/** Reads what the quarantine says of some records, by their rowids. */
export async function readNotedPlaces(
  db: LegacyHandle,
  table: 'users' | 'context_threads',
  source: number,
  rowids: readonly string[],
): Promise<(rowid: string) => NotedPlaces> {
  const rows = await db
    .selectFrom('legacy_quarantine')
    .select(['source_rowid', 'place', 'outcome', 'seq', 'reason'])
    .where('source', '=', source)
    .where('table_name', '=', table)
    .where('source_rowid', 'in', rowids)
    .execute();
  const byRow = Map.groupBy(rows, (row) => row.source_rowid);
  return (rowid) => new NotedPlaces(byRow.get(rowid) ?? []);
}

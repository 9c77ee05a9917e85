import type { Database } from 'better-sqlite3';
import { isUtf8 } from 'node:buffer';
import { quoteName, quoteNames } from '../orphan-condition.ts';
import type { TransferCell, TransferKind, TransferRow } from '../transfer-table.ts';

/** What a table is read by, behind so many rows. Never by an index: the order has to be the same in each run. */
export function inOrder(table: string): string {
  return `from ${quoteName(table)} not indexed limit -1 offset ?`;
}

/**
 * Looks at rows of a table once more: integers as they are, and as bytes what is no text although the table says so. The
 * rows in between are passed over once, however many are asked for.
 */
export class ExactRows {
  readonly #open: () => IterableIterator<TransferCell[]>;
  readonly #kinds: readonly TransferKind[];
  #rows: IterableIterator<TransferCell[]> | undefined;
  #next: number;

  /**
   * @param database a connection that gives integers as bigints, and that nobody else reads by meanwhile
   * @param kinds of the columns
   * @param skip the first row that may be asked for
   */
  constructor(
    database: Database,
    table: string,
    columns: readonly string[],
    kinds: readonly TransferKind[],
    skip: number,
  ) {
    const bytes = columns.map((column) => `cast(${quoteName(column)} as blob)`);
    const text = `select ${quoteNames(columns)}, ${bytes.join(', ')} ${inOrder(table)}`;
    this.#open = () => database.prepare<[number], TransferCell[]>(text).raw().iterate(skip);
    this.#kinds = kinds;
    this.#next = skip;
  }

  /** @param place of the row; larger each time */
  find(place: number): TransferRow {
    this.#rows ??= this.#open();
    let found: TransferCell[] = [];
    for (; this.#next <= place; this.#next += 1) found = this.#rows.next().value as TransferCell[];
    const width = this.#kinds.length;
    return found.slice(0, width).map((value, index) => {
      if (typeof value === 'bigint') return this.#kinds[index] === 'any' ? value : readSafely(value);
      const raw = found[width + index];
      return typeof value === 'string' && Buffer.isBuffer(raw) && !isUtf8(raw) ? raw : value;
    });
  }

  close(): void {
    this.#rows?.return?.();
  }
}

function readSafely(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

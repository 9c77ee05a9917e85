/** How many bytes of rows are in memory at once, about. */
const budget = 1024 * 1024;
/** A page of these is dear enough that a larger one would hardly be faster. */
const mostRows = 32;

/**
 * How many rows are asked for at once: as many as have fitted into some bytes. It begins with one and doubles at most, so
 * that large rows behind small ones are never many.
 */
export class RowBudget {
  #rows = 1;

  /** How many rows the next page may have. */
  get rows(): number {
    return this.#rows;
  }

  /** Learns from a page how large rows are. */
  note(rows: readonly (readonly unknown[])[]): void {
    let size = 0;
    for (const row of rows) {
      for (const value of row) size += typeof value === 'string' || Buffer.isBuffer(value) ? value.length : 8;
    }
    const fitting = Math.floor((budget * rows.length) / Math.max(1, size));
    this.#rows = Math.max(1, Math.min(fitting, 2 * this.#rows, mostRows));
  }
}

/** Copies the rows of one table, a portion at a time, with what is noted of them. */
import type { TransferRow } from '../engine/transfer-table.ts';
import type { TransferNote, TransferSource, TransferTarget } from '../engine/transfer-traits.ts';
import {
  CheckViolationError,
  ForeignKeyViolationError,
  NotNullViolationError,
  UniqueViolationError,
} from '../foundation/errors/constraint-errors.ts';
import { QueryError } from '../foundation/errors/statement-errors.ts';
import { keepValues, noteOf } from './bad-row.ts';
import type { CopiedTable } from './copied-table.ts';
import { noteTable } from './copy-record.ts';
import { prepareFit, type Misfit, type TargetLimits } from './fit-row.ts';

/** What the rows of a table go through. */
export interface TableCopy {
  readonly source: TransferSource;
  readonly target: TransferTarget;
  readonly limits: TargetLimits;
  readonly signal: AbortSignal | undefined;
  /** Hears of each portion that is committed. */
  onPortion(rows: number): void;
}

/**
 * Copies a table from a row on. While one portion is on its way the next one is read and made ready.
 *
 * @param skip how many rows are there already
 * @throws what either side throws, but for what it says to a single row: that goes to quarantine
 */
export async function copyTable(table: CopiedTable, skip: number, copy: TableCopy): Promise<void> {
  const columns = table.columns.map(({ name }) => name);
  const sender = new PortionSender(table, copy);
  let done = skip;
  let sending = Promise.resolve();
  try {
    for await (const rows of copy.source.read(table.from, columns, skip)) {
      copy.signal?.throwIfAborted();
      const before = sending;
      sending = sender.send(rows, done, before);
      // Whoever reads on may fail first; the failure here is heard all the same, below.
      sending.catch(() => undefined);
      await before;
      done += rows.length;
    }
  } finally {
    await sending;
  }
  await copy.target.load({
    table: table.to,
    columns,
    rows: [],
    notes: [noteTable(table.name, { rows: done, isDone: true })],
    quarantine: [],
  });
}

class PortionSender {
  readonly #table: CopiedTable;
  readonly #copy: TableCopy;
  readonly #columns: readonly string[];
  readonly #findMisfit: (row: TransferRow) => Misfit | undefined;

  constructor(table: CopiedTable, copy: TableCopy) {
    this.#table = table;
    this.#copy = copy;
    this.#columns = table.columns.map(({ name }) => name);
    this.#findMisfit = prepareFit(table.columns, copy.limits);
  }

  /**
   * @param done how many rows of the table come before
   * @param before settles when all of them are sent
   */
  async send(rows: readonly TransferRow[], done: number, before?: Promise<void>): Promise<void> {
    const good: TransferRow[] = [];
    const bad: TransferNote[] = [];
    for (const [index, row] of rows.entries()) {
      const misfit = this.#findMisfit(row);
      if (misfit === undefined) good.push(row);
      else bad.push(this.#quarantine(row, misfit, done + index));
    }
    try {
      await this.#load(good, bad, done + rows.length, before);
    } catch (error) {
      if (!isAboutRows(error)) throw error;
      await this.#sendHalves(rows, done);
      return;
    }
    // Whoever hears of it may throw what looks like an error of the rows, which are there by now.
    this.#copy.onPortion(rows.length);
  }

  /** The target has refused a row among these, and does not say which. */
  async #sendHalves(rows: readonly TransferRow[], done: number): Promise<void> {
    if (rows.length > 1) {
      const half = rows.length >> 1;
      await this.send(rows.slice(0, half), done);
      await this.send(rows.slice(half), done + half);
      return;
    }
    const refused = this.#quarantine(rows[0]!, { reason: 'refused-by-target', columns: [] }, done);
    await this.#load([], [refused], done + 1);
    this.#copy.onPortion(1);
  }

  #load(
    rows: readonly TransferRow[],
    quarantine: readonly TransferNote[],
    done: number,
    before?: Promise<void>,
  ): Promise<void> {
    const notes = [noteTable(this.#table.name, { rows: done, isDone: false })];
    const load = { table: this.#table.to, columns: this.#columns, rows, notes, quarantine };
    return this.#copy.target.load(load, before);
  }

  #quarantine(row: TransferRow, { reason, columns }: Misfit, index: number): TransferNote {
    const values = keepValues(
      this.#table.columns.map(({ from }) => from),
      row,
    );
    return noteOf({ table: this.#table.name, columns, reason, ...values }, index + 1);
  }
}

/**
 * SQLSTATE class 22, limits of an index and of nesting, and what SQLite says to values; all else would be said to any row.
 */
const aboutValues = /^(?:22|5400[01]|SQLITE_(?:MISMATCH|TOOBIG|CONSTRAINT))/;

function isAboutRows(error: unknown): boolean {
  if (error instanceof QueryError) return aboutValues.test(error.driverCode ?? '');
  return [CheckViolationError, ForeignKeyViolationError, NotNullViolationError, UniqueViolationError].some(
    (kind) => error instanceof kind,
  );
}

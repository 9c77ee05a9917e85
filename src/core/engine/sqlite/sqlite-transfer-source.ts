import type { Database } from 'better-sqlite3';
import type { Kysely } from 'kysely';
import { quoteName, quoteNames } from '../orphan-condition.ts';
import type { TransferCell, TransferKind, TransferRow, TransferTable } from '../transfer-table.ts';
import type { LastKey, TransferSource } from '../transfer-traits.ts';
import { removeWithSidecars } from './durable-file.ts';
import { ExactRows, inOrder } from './exact-rows.ts';
import { translateSqliteError } from './sqlite-errors.ts';
import { loadSqlite } from './sqlite-package.ts';

/** What a portion holds at most, in characters or bytes, and in rows. */
const portionSize = 512 * 1024;
const portionRows = 10_000;

/** Opens a handle on a file, and closes it behind the work. */
export type LookInto = <Result>(file: string, work: (db: Kysely<any>) => Promise<Result>) => Promise<Result>;

/** A snapshot that is a backup in a file of its own, so that it outlives the process. */
export class SqliteTransferSource implements TransferSource {
  readonly isKept: boolean;
  readonly #file: string;
  readonly #lookInto: LookInto;
  readonly #database: Database;
  /** A second connection, for looking at a row again while the first one is in the midst of its rows. */
  readonly #exact: Database;

  private constructor(file: string, isKept: boolean, lookInto: LookInto, open: () => Database) {
    this.#file = file;
    this.isKept = isKept;
    this.#lookInto = lookInto;
    this.#database = open();
    this.#exact = open().defaultSafeIntegers(true);
  }

  static async open(file: string, isKept: boolean, lookInto: LookInto): Promise<SqliteTransferSource> {
    const open = await loadSqlite();
    return translating(
      () =>
        new SqliteTransferSource(file, isKept, lookInto, () =>
          open(file, { readonly: true, fileMustExist: true }),
        ),
    );
  }

  async count(table: string): Promise<number> {
    const counting = `select count(*) from ${quoteName(table)}`;
    return translating(() => this.#database.prepare(counting).pluck().get() as number);
  }

  async *read(
    table: TransferTable,
    columns: readonly string[],
    skip: number,
  ): AsyncGenerator<readonly TransferRow[], void> {
    const kinds = columns.map((name) => table.columns.find((column) => column.name === name)!.kind);
    const exact = new ExactRows(this.#exact, table.name, columns, kinds, skip);
    const text = `select ${quoteNames(columns)} ${inOrder(table.name)}`;
    const rows = this.#database.prepare<[number], TransferCell[]>(text).raw().iterate(skip);
    let place = skip;
    let portion: TransferRow[] = [];
    let size = 0;
    try {
      for (;;) {
        const { value: row } = translating(() => rows.next()) as IteratorResult<TransferCell[], undefined>;
        if (row === undefined) break;
        const measured = measure(row, kinds);
        portion.push(measured < 0 ? translating(() => exact.find(place)) : row);
        size += Math.abs(measured);
        place += 1;
        if (size < portionSize && portion.length < portionRows) continue;
        yield portion;
        portion = [];
        size = 0;
      }
      if (portion.length > 0) yield portion;
    } finally {
      rows.return?.();
      exact.close();
    }
  }

  async lastKeys(): Promise<readonly LastKey[]> {
    return translating(() => readLastKeys(this.#database));
  }

  look<Result>(_db: Kysely<any>, work: (snapshot: Kysely<any>) => Promise<Result>): Promise<Result> {
    return this.#lookInto(this.#file, work);
  }

  async close(isDone: boolean): Promise<void> {
    this.#database.close();
    this.#exact.close();
    if (isDone) await removeWithSidecars(this.#file);
  }
}

/**
 * Finds out about how large a row is.
 *
 * @returns a number below 0 where it has to be looked at again: a rounded integer is beyond the safe range, bytes that
 *   are no text have become U+FFFD, and a whole number of a column without a type may be a double
 */
function measure(row: TransferRow, kinds: readonly TransferKind[]): number {
  let size = 16;
  let isDoubtful = false;
  for (let index = 0; index < row.length; index += 1) {
    const value = row[index]!;
    if (typeof value === 'string') {
      size += value.length;
      if (value.includes('\uFFFD')) isDoubtful = true;
    } else if (typeof value === 'number') {
      size += 8;
      if (Number.isInteger(value) && isDoubtfulInteger(value, kinds[index]!)) isDoubtful = true;
    } else if (Buffer.isBuffer(value)) size += value.length;
  }
  return isDoubtful ? -size : size;
}

function isDoubtfulInteger(value: number, kind: TransferKind): boolean {
  return kind === 'any' || (kind !== 'real' && !Number.isSafeInteger(value));
}

/** Reads what AUTOINCREMENT has given out last. */
function readLastKeys(database: Database): readonly LastKey[] {
  const isThere =
    database.prepare(`select 1 from sqlite_schema where name = 'sqlite_sequence'`).get() !== undefined;
  if (!isThere) return [];
  return database
    .prepare<[], LastKey>(
      `select s.name as "table", i.name as "column", seq as last from sqlite_sequence s, pragma_table_info(s.name) i
       where i.pk = 1 and seq > 0`,
    )
    .all();
}

function translating<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw translateSqliteError(error);
  }
}

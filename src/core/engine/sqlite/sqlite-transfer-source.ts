import type { Database } from 'better-sqlite3';
import { isUtf8 } from 'node:buffer';
import type { Kysely } from 'kysely';
import { quoteName, quoteNames } from '../orphan-condition.ts';
import type { TransferCell, TransferRow, TransferTable } from '../transfer-table.ts';
import type { LastKey, TransferSource } from '../transfer-traits.ts';
import { removeWithSidecars } from './durable-file.ts';
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
    return this.#database
      .prepare(`select count(*) from ${quoteName(table)}`)
      .pluck()
      .get() as number;
  }

  async *read(
    { name }: TransferTable,
    columns: readonly string[],
    skip: number,
  ): AsyncGenerator<readonly TransferRow[], void> {
    // Never by an index: the order has to be the same in each run.
    const text = `select ${quoteNames(columns)} from ${quoteName(name)} not indexed limit -1 offset ?`;
    const rows = this.#database.prepare<[number], TransferCell[]>(text).raw().iterate(skip);
    let place = skip;
    let portion: TransferRow[] = [];
    let size = 0;
    try {
      for (;;) {
        const { value: row } = translating(() => rows.next()) as IteratorResult<TransferCell[], undefined>;
        if (row === undefined) break;
        const measured = measure(row);
        portion.push(measured < 0 ? this.#readExactly(name, columns, place) : row);
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
    }
  }

  async lastKeys(): Promise<readonly LastKey[]> {
    return readLastKeys(this.#database);
  }

  look<Result>(_db: Kysely<any>, work: (snapshot: Kysely<any>) => Promise<Result>): Promise<Result> {
    return this.#lookInto(this.#file, work);
  }

  async close(isDone: boolean): Promise<void> {
    this.#database.close();
    this.#exact.close();
    if (isDone) await removeWithSidecars(this.#file);
  }

  /** Integers as they are, and as bytes what is no text although the table says so. */
  #readExactly(table: string, columns: readonly string[], place: number): TransferRow {
    const find = (what: string) =>
      this.#exact
        .prepare<[number], TransferCell[]>(
          `select ${what} from ${quoteName(table)} not indexed limit 1 offset ?`,
        )
        .raw()
        .get(place) as TransferCell[];
    const row = find(quoteNames(columns)).map((value) =>
      typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value,
    );
    if (!row.some((value) => typeof value === 'string' && value.includes('\uFFFD'))) return row;
    const bytes = find(columns.map((column) => `cast(${quoteName(column)} as blob)`).join(', '));
    return row.map((value, index) => {
      const raw = bytes[index];
      return typeof value === 'string' && Buffer.isBuffer(raw) && !isUtf8(raw) ? raw : value;
    });
  }
}

/**
 * Finds out about how large a row is.
 *
 * @returns a number below 0 where it has to be looked at again: a rounded integer is beyond the safe range, and bytes
 *   that are no text have become U+FFFD
 */
function measure(row: TransferRow): number {
  let size = 16;
  let isDoubtful = false;
  for (const value of row) {
    if (typeof value === 'string') {
      size += value.length;
      if (value.includes('\uFFFD')) isDoubtful = true;
    } else if (typeof value === 'number') {
      size += 8;
      if (!Number.isSafeInteger(value) && Number.isInteger(value)) isDoubtful = true;
    } else if (Buffer.isBuffer(value)) size += value.length;
  }
  return isDoubtful ? -size : size;
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

import type { Clock } from '../../foundation/clock.ts';
import { otherRunError } from '../../foundation/errors/copy-errors.ts';
import { loadCrypto } from '../../foundation/node-crypto.ts';
import { orphanCondition, quoteName, quoteNames } from '../orphan-condition.ts';
import { RowBudget } from '../row-budget.ts';
import type { TransferCell, TransferColumn, TransferReference, TransferTable } from '../transfer-table.ts';
import {
  transferRecords,
  transferRun,
  type LastKey,
  type TransferLoad,
  type TransferNote,
  type TransferTarget,
} from '../transfer-traits.ts';
import { waitForLock } from './lock-wait.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { translateSqliteError } from './sqlite-errors.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';

/** What a target needs to know. */
export interface SqliteTransferTargetOptions {
  /** The longest wait for another process, in ms. */
  readonly lockTimeout: number;
  readonly clock: Clock;
}

const aside = 'aside';

type OrphanRow = Readonly<Record<string, TransferCell>>;

/**
 * Writes on the writer's lane, a portion at a time, and lets others have it in between. While a copy is under way the
 * triggers are dropped, and foreign keys are off for each portion. The search indexes that the triggers keep are rebuilt
 * at the end.
 */
export class SqliteTransferTarget implements TransferTarget {
  readonly #lanes: SqliteLanes;
  readonly #options: SqliteTransferTargetOptions;
  readonly #run = loadCrypto().randomUUID();

  constructor(lanes: SqliteLanes, options: SqliteTransferTargetOptions) {
    this.#lanes = lanes;
    this.#options = options;
  }

  async readNotes(): Promise<ReadonlyMap<string, string>> {
    return this.#transaction((database) => {
      if (!hasTable(database, transferRecords.notes)) return new Map();
      const rows = ask<TransferNote>(database, `select name, text from ${transferRecords.notes}`);
      return new Map(rows.map(({ name, text }) => [name, text]));
    });
  }

  async takeOver(): Promise<void> {
    await this.#transaction((database) =>
      database.run(`update ${transferRecords.notes} set text = ? where name = ?`, [this.#run, transferRun]),
    );
  }

  async setAside(tables: readonly TransferTable[], notes: readonly TransferNote[]): Promise<void> {
    const names = new Set(tables.map(({ name }) => name.toLowerCase()));
    await this.#transaction((database) => {
      for (const name of Object.values(transferRecords)) {
        database.run(
          `create table if not exists ${name} (name text not null primary key, text text not null) strict`,
          [],
        );
      }
      if (ask(database, `select 1 from ${transferRecords.notes} limit 1`).length > 0) throw otherRunError();
      const triggers = ask<{ name: string; owner: string; text: string }>(
        database,
        `select name, tbl_name as owner, sql as text from main.sqlite_schema where type = 'trigger' order by rowid`,
      ).filter(({ owner }) => names.has(owner.toLowerCase()));
      for (const { name } of triggers) database.run(`drop trigger main.${quoteName(name)}`, []);
      note(database, [
        ...notes,
        { name: transferRun, text: this.#run },
        { name: aside, text: JSON.stringify(triggers.map(({ text }) => text)) },
      ]);
    });
  }

  async load(
    { table, columns, rows, notes, quarantine }: TransferLoad,
    before?: Promise<void>,
  ): Promise<void> {
    await before;
    await this.#ownTransaction((database) => {
      const marks = columns.map(() => '?').join(', ');
      const text = `insert into ${quoteName(table.name)} (${quoteNames(columns)}) values (${marks})`;
      database.runEach(text, rows);
      note(database, notes);
      note(database, quarantine, transferRecords.quarantine);
    });
  }

  async empty(tables: readonly string[], notes: readonly TransferNote[]): Promise<void> {
    await this.#ownTransaction((database) => {
      for (const table of tables) {
        const prefix = `${JSON.stringify(table)} `;
        database.run(`delete from ${quoteName(table)}`, []);
        database.run(`delete from ${transferRecords.quarantine} where substr(name, 1, ?) = ?`, [
          prefix.length,
          prefix,
        ]);
      }
      note(database, notes);
    });
  }

  async takeOrphans(
    table: TransferTable,
    reference: TransferReference,
    describe: (row: Readonly<Record<string, TransferCell>>) => TransferNote,
  ): Promise<number> {
    const lost = orphanCondition(table.name, reference);
    return this.#ownTransaction((database) => {
      let found = 0;
      for (const rows of readOrphans(database, table, lost)) {
        note(database, rows.map(describe), transferRecords.quarantine);
        found += rows.length;
      }
      if (found > 0) database.run(`delete from ${quoteName(table.name)} where ${lost}`, []);
      return found;
    });
  }

  async finish(keys: readonly LastKey[]): Promise<void> {
    const notes = await this.readNotes();
    await this.#ownTransaction((database) => {
      for (const index of findSearchIndexes(database)) {
        database.run(`insert into ${quoteName(index)} (${quoteName(index)}) values ('rebuild')`, []);
      }
      for (const trigger of JSON.parse(notes.get(aside) ?? '[]') as string[]) database.run(trigger, []);
      moveCounters(database, keys);
      database.run(`drop table if exists ${transferRecords.notes}`, []);
      if (ask(database, `select 1 from ${transferRecords.quarantine} limit 1`).length === 0) {
        database.run(`drop table ${transferRecords.quarantine}`, []);
      }
    });
  }

  async close(): Promise<void> {}

  #ownTransaction<Result>(work: (database: SqliteDatabase) => Result): Promise<Result> {
    return this.#transaction((database) => {
      const own = `select 1 from ${transferRecords.notes} where name = ? and text = ?`;
      const isOwn =
        hasTable(database, transferRecords.notes) && ask(database, own, [transferRun, this.#run]).length > 0;
      if (!isOwn) throw otherRunError();
      return work(database);
    });
  }

  /** Foreign keys are a setting of the connection, which does nothing inside of a transaction. */
  async #transaction<Result>(work: (database: SqliteDatabase) => Result): Promise<Result> {
    const connection = await this.#lanes.writer.takeBriefly();
    const { database } = connection;
    try {
      database.command('pragma foreign_keys = off');
      await waitForLock(
        () => database.command('begin immediate'),
        this.#options.lockTimeout,
        this.#options.clock,
      );
      const result = work(database);
      database.command('commit');
      return result;
    } catch (error) {
      database.rollBack();
      throw translateSqliteError(error);
    } finally {
      database.commandOrClose('pragma foreign_keys = on');
      this.#lanes.writer.giveBack(connection);
    }
  }
}

/** A page at a time: they may be most of the table. Without a walk all at once. */
function* readOrphans(
  database: SqliteDatabase,
  { name, columns, walk }: TransferTable,
  condition: string,
): Generator<readonly OrphanRow[], void> {
  const places = walk.map((part) => part.name);
  // By names of their own: what is called rowid is told by the name of the column that it is.
  const read = [
    ...columns.map(readWhole),
    ...places.map((place, index) => `${quoteName(place)} as "walk ${index}"`),
  ].join(', ');
  const orphans = `select ${read} from ${quoteName(name)} where (${condition})`;
  if (places.length === 0) {
    yield ask<OrphanRow>(database, orphans);
    return;
  }
  const order = `order by ${quoteNames(places)} limit ?`;
  const behind = `and (${quoteNames(places)}) > (${places.map(() => '?').join(', ')})`;
  const budget = new RowBudget();
  let rows = ask<OrphanRow>(database, `${orphans} ${order}`, [budget.rows]);
  while (rows.length > 0) {
    yield rows;
    const last = rows.at(-1)!;
    budget.note(rows.map((row) => Object.values(row)));
    const parameters = [...places.map((_, index) => last[`walk ${index}`]), budget.rows];
    rows = ask<OrphanRow>(database, `${orphans} ${behind} ${order}`, parameters);
  }
}

/** Where a column may hold an integer that no number holds, or a double that looks like one, its text is read. */
function readWhole({ name, kind }: TransferColumn): string {
  const column = quoteName(name);
  if (kind !== 'decimal' && kind !== 'any' && kind !== 'other') return column;
  return `case typeof(${column}) when 'blob' then ${column} else cast(${column} as text) end as ${column}`;
}

function ask<Row>(
  database: SqliteDatabase,
  text: string,
  parameters: readonly unknown[] = [],
): readonly Row[] {
  return database.run<Row>(text, parameters).rows;
}

function hasTable(database: SqliteDatabase, name: string): boolean {
  return (
    database.run(`select 1 from main.sqlite_schema where type = 'table' and name = ?`, [name]).rows.length > 0
  );
}

/** AUTOINCREMENT goes on behind the rows by itself, and behind what the source gave out; a table without rows has no line. */
function moveCounters(database: SqliteDatabase, keys: readonly LastKey[]): void {
  if (!hasTable(database, 'sqlite_sequence')) return;
  database.runEach(
    `insert into sqlite_sequence (name, seq) select name, 0 from main.sqlite_schema
     where type = 'table' and name = ? and sql like '%autoincrement%' and name not in (select name from sqlite_sequence)`,
    keys.map(({ table }) => [table]),
  );
  database.runEach(
    'update sqlite_sequence set seq = max(seq, ?) where name = ?',
    keys.map(({ table, last }) => [last, table]),
  );
}

/** Full-text indexes over the rows of a table: their entries lie nowhere else, and are made out of the rows. */
function findSearchIndexes(database: SqliteDatabase): readonly string[] {
  return ask<{ name: string; text: string }>(
    database,
    `select name, sql as text from main.sqlite_schema where type = 'table' and sql like 'create virtual table%'`,
  )
    .filter(
      ({ text }) => /\busing\s+["'`[]?fts[345]\b/i.test(text) && /\bcontent\s*=\s*["'`[]?\w/i.test(text),
    )
    .map(({ name }) => name);
}

function note(
  database: SqliteDatabase,
  notes: readonly TransferNote[],
  table: string = transferRecords.notes,
): void {
  database.runEach(
    `insert into ${table} (name, text) values (?, ?) on conflict (name) do update set text = excluded.text`,
    notes.map(({ name, text }) => [name, text]),
  );
}

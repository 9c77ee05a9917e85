import type { Clock } from '../../foundation/clock.ts';
import { orphanCondition, quoteName, quoteNames } from '../orphan-condition.ts';
import type { TransferCell, TransferReference, TransferTable } from '../transfer-table.ts';
import {
  transferRecords,
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

/**
 * Writes on the writer's lane, a portion at a time, and lets others have it in between. While a copy is under way the
 * triggers are dropped, and foreign keys are off for each portion. The search indexes that the triggers keep are rebuilt
 * at the end.
 */
export class SqliteTransferTarget implements TransferTarget {
  readonly #lanes: SqliteLanes;
  readonly #options: SqliteTransferTargetOptions;

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

  async setAside(tables: readonly TransferTable[], notes: readonly TransferNote[]): Promise<void> {
    const names = new Set(tables.map(({ name }) => name.toLowerCase()));
    await this.#transaction((database) => {
      for (const name of Object.values(transferRecords)) {
        database.run(
          `create table if not exists ${name} (name text not null primary key, text text not null) strict`,
          [],
        );
      }
      const triggers = ask<{ name: string; owner: string; text: string }>(
        database,
        `select name, tbl_name as owner, sql as text from main.sqlite_schema where type = 'trigger' order by rowid`,
      ).filter(({ owner }) => names.has(owner.toLowerCase()));
      for (const { name } of triggers) database.run(`drop trigger main.${quoteName(name)}`, []);
      note(database, [...notes, { name: aside, text: JSON.stringify(triggers.map(({ text }) => text)) }]);
    });
  }

  async load(
    { table, columns, rows, notes, quarantine }: TransferLoad,
    before?: Promise<void>,
  ): Promise<void> {
    await before;
    await this.#transaction((database) => {
      const marks = columns.map(() => '?').join(', ');
      const text = `insert into ${quoteName(table.name)} (${quoteNames(columns)}) values (${marks})`;
      database.runEach(text, rows);
      note(database, notes);
      note(database, quarantine, transferRecords.quarantine);
    });
  }

  async empty(tables: readonly string[], notes: readonly TransferNote[]): Promise<void> {
    await this.#transaction((database) => {
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
    return this.#transaction((database) => {
      const columns = quoteNames(table.columns.map(({ name }) => name));
      const rows = ask<Record<string, TransferCell>>(
        database,
        `delete from ${quoteName(table.name)} where ${orphanCondition(table.name, reference)} returning ${columns}`,
      );
      note(database, rows.map(describe), transferRecords.quarantine);
      return rows.length;
    });
  }

  async finish(keys: readonly LastKey[]): Promise<void> {
    const notes = await this.readNotes();
    await this.#transaction((database) => {
      for (const index of findSearchIndexes(database)) {
        database.run(`insert into ${quoteName(index)} (${quoteName(index)}) values ('rebuild')`, []);
      }
      for (const trigger of JSON.parse(notes.get(aside) ?? '[]') as string[]) database.run(trigger, []);
      if (hasTable(database, 'sqlite_sequence')) {
        for (const { table, last } of keys) {
          database.run('update sqlite_sequence set seq = max(seq, ?) where name = ?', [last, table]);
        }
      }
      database.run(`drop table if exists ${transferRecords.notes}`, []);
      if (ask(database, `select 1 from ${transferRecords.quarantine} limit 1`).length === 0) {
        database.run(`drop table ${transferRecords.quarantine}`, []);
      }
    });
  }

  async close(): Promise<void> {}

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

function ask<Row>(database: SqliteDatabase, text: string): readonly Row[] {
  return database.run<Row>(text, []).rows;
}

function hasTable(database: SqliteDatabase, name: string): boolean {
  return (
    database.run(`select 1 from main.sqlite_schema where type = 'table' and name = ?`, [name]).rows.length > 0
  );
}

/** Full-text indexes over the rows of a table: their entries lie nowhere else, and are made out of the rows. */
function findSearchIndexes(database: SqliteDatabase): readonly string[] {
  return ask<{ name: string; text: string }>(
    database,
    `select name, sql as text from main.sqlite_schema where type = 'table' and sql like 'create virtual table%'`,
  )
    .filter(({ text }) => /\busing\s+fts5\b/i.test(text) && /\bcontent\s*=\s*["'\w]*\w/i.test(text))
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

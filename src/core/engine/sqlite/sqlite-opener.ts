import type { Database } from 'better-sqlite3';
import { dirname } from 'node:path';
import type { Clock } from '../../foundation/clock.ts';
import type { DatabaseFile } from './database-file.ts';
import { waitForLock } from './lock-wait.ts';
import type { LoopMeter } from './loop-meter.ts';
import { makeFolder } from './make-folder.ts';
import { closedError } from './sqlite-closed-error.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { translateUnlessReason } from './sqlite-errors.ts';
import { loadSqlite } from './sqlite-package.ts';
import type { SqliteRole } from './sqlite-settings.ts';
import type { SqliteStyle } from './sqlite-style.ts';

/** What opening needs to know. */
export interface SqliteOpenerOptions {
  /** An absolute path, or `:memory:`. */
  readonly filename: string;
  /** Undefined in memory. */
  readonly file: DatabaseFile | undefined;
  readonly style: SqliteStyle;
  /** The longest wait for another process, in ms. */
  readonly lockTimeout: number;
  readonly clock: Clock;
  /** Hears how long the steps of the connections take. */
  readonly meter: LoopMeter;
}

/** Where the connections of one database come from. It keeps none. */
export class SqliteOpener {
  readonly #options: SqliteOpenerOptions;

  constructor(options: SqliteOpenerOptions) {
    this.#options = options;
  }

  /**
   * Opens a connection and sets it up. Where it fails it leaves nothing open.
   *
   * @param role what the connection is for
   * @param isOnly whether no other is open
   * @param isEnded whether nobody wants it any more
   * @param signal ends the wait for the lock of another process
   * @throws errors of this library, which name the file; and the signal's reason
   */
  async open(
    role: SqliteRole,
    isOnly: () => boolean,
    isEnded: () => boolean,
    signal?: AbortSignal,
  ): Promise<SqliteDatabase> {
    const { filename, file, style, meter } = this.#options;
    const { openDatabase = await openByName(filename), values } = style;
    try {
      if (file !== undefined) await makeFolder(dirname(filename));
      file?.checkNow(isOnly());
      const database = new SqliteDatabase(await openDatabase(), values, meter);
      try {
        await this.#setUp(database, role, isEnded, signal);
        return database;
      } catch (error) {
        database.close();
        throw error;
      }
    } catch (error) {
      throw translateUnlessReason(error, signal, filename);
    }
  }

  async #setUp(
    database: SqliteDatabase,
    role: SqliteRole,
    isEnded: () => boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { style, file, lockTimeout, clock } = this.#options;
    const opened = file?.identify();
    const configure = () => {
      if (isEnded()) throw closedError();
      file?.keep(opened);
      // One that was handed over has its settings already.
      if (style.openDatabase === undefined) database.configure(role);
    };
    await waitForLock(configure, lockTimeout, clock, signal);
    file?.keep(opened);
    file?.settle();
    if (style.onOpen === undefined) return;
    // Whoever sets a reader up may have to write for it, such as a temporary table.
    if (role.kind === 'reader') database.command('pragma query_only = off');
    await style.onOpen(database);
    if (role.kind === 'reader') database.command('pragma query_only = on');
  }
}

async function openByName(filename: string): Promise<() => Database> {
  const open = await loadSqlite();
  return () => open(filename, { timeout: 0 });
}

import type { Database } from 'better-sqlite3';
import type { SqliteDatabase } from './sqlite-database.ts';
import { providerValues, type SqliteValues } from './sqlite-values.ts';

/** In what a provider's lanes and those of the stand-alone dialect differ. */
export interface SqliteStyle {
  readonly values: SqliteValues;
  /**
   * Whether what a statement leaves on its connection stays there for everybody, as with a single connection.
   * From the first such statement on there is a single one.
   */
  readonly keepsTraces: boolean;
  /** Sets a new connection up, behind our own settings. */
  readonly onOpen?: ((database: SqliteDatabase) => Promise<void>) | undefined;
  /** Gives the database that is open already, in place of one that is opened by its name. */
  readonly openDatabase?: (() => Database | Promise<Database>) | undefined;
}

/** Every borrower finds a clean connection. */
export const providerStyle: SqliteStyle = { values: providerValues, keepsTraces: false };

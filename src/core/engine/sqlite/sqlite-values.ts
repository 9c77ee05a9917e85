import type { Statement } from 'better-sqlite3';
import { requireSafeIntegers } from './sqlite-integers.ts';
import { bindParameters } from './sqlite-parameters.ts';
import { withoutValues } from './sqlite-step-error.ts';

/** In what the connections of a provider and those of the stand-alone dialect differ. */
export interface SqliteValues {
  /** @throws ValidationError for what is refused before SQLite sees it */
  bind(parameters: readonly unknown[]): readonly unknown[];
  /**
   * @param seen what was found out about the columns; one set for all rows that are read one by one
   * @throws UnsafeIntegerError where a row does not hold what the table does
   */
  checkRows(
    rows: readonly Record<string, unknown>[],
    statement: Statement,
    parameters: readonly unknown[],
    seen?: Set<string>,
  ): void;
  /** @returns what may be kept of an error that SQLite raised while a statement ran */
  cleanError(error: unknown): unknown;
  /** Whether a write that returns rows says how many. */
  readonly countsReturnedRows: boolean;
  /** Whether PRAGMA foreign_keys is refused where it has no effect. */
  readonly refusesLostPragmas: boolean;
  /** Whether nobody else runs anything on the connection, such as the owner of one that was handed over. */
  readonly haveConnectionAlone: boolean;
}

/** Nothing is rounded or replaced, no error repeats a value, and nothing is without effect in silence. */
export const providerValues: SqliteValues = {
  bind: bindParameters,
  checkRows: requireSafeIntegers,
  cleanError: withoutValues,
  countsReturnedRows: true,
  refusesLostPragmas: true,
  haveConnectionAlone: true,
};

/** Everything as better-sqlite3 and Kysely do it: a drop-in replacement surprises nobody. */
export const plainValues: SqliteValues = {
  bind: (parameters) => parameters,
  checkRows() {},
  cleanError: (error) => error,
  countsReturnedRows: false,
  refusesLostPragmas: false,
  haveConnectionAlone: false,
};

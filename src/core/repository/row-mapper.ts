import type { Insertable, Selectable } from 'kysely';
import { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { ColumnName } from '../query/column.ts';

/**
 * Turns rows into entities and back. A mapper is pure and is the only place that knows both
 * the columns' names and the entity's. It serves every engine, since rows are the same on all of them.
 */
export interface RowMapper<Row, Entity> {
  /**
   * Makes the entity of a stored row.
   *
   * @throws ValidationError where the row breaks a rule of the entity; `readColumn` puts the column into
   *   its path. The repository makes an UnreadableRowError of whatever is thrown here
   */
  fromRow(row: Selectable<Row>): Entity;
  /**
   * Makes the row that stores an entity, with every column.
   *
   * @param uuids the table's columns of kind `uuid`, whose values are stored in lower case; the repository hands them
   *   in, for mappers that bind ciphertexts to what is stored
   * @throws ValidationError where the entity cannot be stored
   */
  toRow(entity: Entity, uuids?: ReadonlySet<string>): Insertable<Row>;
  /** Which columns hold ciphertexts; none where it is absent. `encryptMapper` of the security door says it. */
  readonly sealed?: SealedColumns<Row>;
}

/**
 * The columns of a table that a mapper seals and opens. What is stored in them says nothing about the value: they are
 * neither filtered nor sorted by, nor selected by themselves. Whether they are NULL may be asked.
 */
export interface SealedColumns<Row> {
  /** The columns that hold ciphertexts, of kind `text`. */
  readonly columns: readonly ColumnName<Row>[];
  /** The columns whose values a ciphertext belongs to: with others beside it, it does not open. */
  readonly boundTo: readonly ColumnName<Row>[];
  /** The columns of their blind indexes, by the sealed column; none where it is absent. */
  readonly indexes?: Readonly<Record<string, string>>;
}

/**
 * Reads one column of a row, so that a fault in it is reported with the column's name.
 *
 * @param row a stored row
 * @param column the column to read
 * @param parse makes the domain's value of the column's; throws where it cannot
 * @returns what `parse` returns
 * @throws ValidationError whose issues' paths begin with the column; it never holds the value, even where
 *   the error that `parse` threw does
 * @example
 * const userFromRow = (row: Selectable<UsersTable>): User => Object.freeze({
 *   id: readColumn(row, 'id', UserId.parse),
 *   settings: readColumn(row, 'settings', (text) => parseSettings(decodeJson(text))),
 * });
 */
export function readColumn<Row extends object, Column extends keyof Row & string, Value>(
  row: Row,
  column: Column,
  parse: (value: Row[Column]) => Value,
): Value {
  try {
    return parse(row[column]);
  } catch (error) {
    if (error instanceof ValidationError) {
      throw new ValidationError(
        error.issues.map(({ path, message }) => ({ path: [column, ...path], message })),
        { cause: error },
      );
    }
    throw new ValidationError([{ path: [column], message: 'cannot be read' }], {
      cause: withoutMessage(error),
    });
  }
}

/**
 * The part of an error that may be reported beside stored data: messages of foreign errors quote what they
 * could not parse (`JSON.parse`, `BigInt`, `new URL`), and some carry it in a field. Errors of this library
 * hold no value and stay as they are.
 *
 * @param error anything that was thrown
 * @returns an error with the name and the stack of a foreign one, without its message, fields and cause
 */
export function withoutMessage(error: unknown): Error | undefined {
  if (error instanceof LiminalDataError) return error;
  if (!(error instanceof Error)) return undefined;
  const bare = new Error(`${error.name} (its message may quote the stored value and is left out)`);
  const heading = error.message === '' ? error.name : `${error.name}: ${error.message}`;
  bare.stack = error.stack?.startsWith(heading)
    ? `${bare.name}: ${bare.message}${error.stack.slice(heading.length)}`
    : `${bare.name}: ${bare.message}`;
  return bare;
}

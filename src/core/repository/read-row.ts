import { UnreadableRowError } from '../foundation/errors/entity-errors.ts';
import { DecryptionError } from '../foundation/errors/security-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { withoutMessage } from './row-mapper.ts';
import type { StoredRow } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';

/**
 * Makes an entity of a stored row.
 *
 * @param fromRow the mapper's function
 * @throws UnreadableRowError that names table, key and, where it is one alone, the column; never the value
 * @throws DecryptionError where an encrypted column does not open
 */
export function readRow<Entity>(
  row: StoredRow,
  definition: TableDefinition,
  fromRow: (row: StoredRow) => Entity,
): Entity {
  for (const name of definition.required) if (row[name] === null) throw unreadable(row, definition, name);
  try {
    return fromRow(row);
  } catch (error) {
    // It says more than that a row cannot be read, and as little of the row.
    if (error instanceof DecryptionError) throw error;
    throw unreadable(row, definition, columnOf(error, definition), { cause: withoutMessage(error) });
  }
}

/** Makes entities of rows as they come. */
export async function* readEach<Entity>(
  rows: AsyncIterable<StoredRow>,
  toEntity: (row: StoredRow) => Entity,
): AsyncGenerator<Entity, void, undefined> {
  for await (const row of rows) yield toEntity(row);
}

function unreadable(
  row: StoredRow,
  { table, key }: TableDefinition,
  column: string | undefined,
  options?: ErrorOptions,
): UnreadableRowError {
  const values = Object.fromEntries(key.map(({ name }) => [name, row[name]]));
  return new UnreadableRowError(table, values, column, options);
}

// The issues' paths begin with the column where the mapper used `readColumn`.
function columnOf(error: unknown, { columns }: TableDefinition): string | undefined {
  if (!(error instanceof ValidationError)) return undefined;
  const [column, ...others] = new Set(error.issues.map(({ path }) => path[0]));
  return others.length === 0 && typeof column === 'string' && columns.has(column) ? column : undefined;
}

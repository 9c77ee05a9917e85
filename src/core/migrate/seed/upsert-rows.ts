import type { Kysely } from 'kysely';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Issue } from '../../foundation/issue.ts';

/** A row as it is written: each column with its value. */
export type SeedRow = Readonly<Record<string, unknown>>;

/** Parameters of one statement: well below what any engine takes. */
const parametersPerStatement = 10_000;

/**
 * Inserts rows, and brings those up to date whose key is there already; so it may run any number of times. The same
 * on every engine. It reads nothing and deletes nothing.
 *
 * @param db a transaction or the root handle
 * @param table where they go
 * @param key the columns that tell rows apart; a primary key or a unique constraint must cover just these
 * @param rows each with the same columns, the key among them; an empty list writes nothing
 * @throws ValidationError with every fault of the key and the rows: columns that differ, two rows with one key
 * @throws the error of the database, where it refuses a row
 * @example
 * await upsertRows(db, 'plans', ['id'], [{ id: 'free', price: 0 }, { id: 'pro', price: 900 }]);
 */
export async function upsertRows(
  db: Kysely<any>,
  table: string,
  key: readonly string[],
  rows: readonly SeedRow[],
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first);
  const issues = [...findKeyFaults(key, columns), ...findRowFaults(key, columns, rows)];
  if (issues.length > 0) throw new ValidationError(issues);
  const others = columns.filter((column) => !key.includes(column));
  const size = Math.max(1, Math.floor(parametersPerStatement / columns.length));
  for (let start = 0; start < rows.length; start += size) {
    await db
      .insertInto(table)
      .values(rows.slice(start, start + size))
      .onConflict((conflict) => {
        const target = conflict.columns([...key]);
        if (others.length === 0) return target.doNothing();
        return target.doUpdateSet((eb) =>
          Object.fromEntries(others.map((column) => [column, eb.ref(`excluded.${column}`)])),
        );
      })
      .execute();
  }
}

function findKeyFaults(key: readonly string[], columns: readonly string[]): Issue[] {
  if (key.length === 0) return [{ path: ['key'], message: 'must name at least one column' }];
  return key
    .filter((column) => !columns.includes(column))
    .map((column) => ({ path: ['key'], message: `names ${column}, which the rows do not have` }));
}

function findRowFaults(
  key: readonly string[],
  columns: readonly string[],
  rows: readonly SeedRow[],
): Issue[] {
  const seen = new Set<string>();
  return rows.flatMap((row, index) => {
    const path = ['rows', index];
    const own = Object.keys(row);
    const issues: Issue[] = [];
    if (own.length !== columns.length || !columns.every((column) => row[column] !== undefined)) {
      issues.push({ path, message: 'must have the columns of the first row, each with a value or null' });
    }
    // One statement cannot write a row twice, and which of the two was meant nobody knows.
    const identity = JSON.stringify(key.map((column) => [typeof row[column], String(row[column])]));
    if (seen.has(identity)) issues.push({ path, message: 'has the key of a row before it' });
    seen.add(identity);
    return issues;
  });
}

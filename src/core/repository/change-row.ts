import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { NotFoundError, StaleEntityError } from '../foundation/errors/entity-errors.ts';
import { bindValue } from '../query/column-value.ts';
import { allOf, type Condition } from '../query/condition.ts';
import type { StoredRow, UntypedDatabase } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';

/** The row that is meant, and the version at which it was read. */
export interface RowTarget {
  readonly key: Condition;
  readonly version: number | undefined;
}

/**
 * Updates the row of an entity.
 *
 * @returns the row as it is stored now
 * @throws NotFoundError, or StaleEntityError where the row is at another version
 */
export async function updateRow(
  db: UntypedDatabase,
  definition: TableDefinition,
  target: RowTarget,
  row: StoredRow,
): Promise<StoredRow> {
  const { table, version, updatable, growing, names } = definition;
  const changes = Object.entries(row)
    .filter(([name]) => updatable.has(name))
    .map(([name, value]) => [name, growing.has(name) ? laterOf(sql.ref(name), sql`${value}`) : value]);
  if (version !== undefined) changes.push([version.name, (target.version ?? 0) + 1]);
  // An update of nothing is no statement; where there is nothing to write the row only has to be there.
  const query =
    changes.length === 0
      ? db
          .selectFrom(table)
          .select([...names])
          .where(target.key)
      : db
          .updateTable(table)
          .set(Object.fromEntries(changes))
          .where(conditionOf(definition, target))
          .returning([...names]);
  const [updated] = await query.execute();
  return updated ?? explainMiss(db, definition, target);
}

/**
 * Deletes the row of an entity.
 *
 * @throws NotFoundError, or StaleEntityError where the row is at another version
 */
export async function deleteRow(
  db: UntypedDatabase,
  definition: TableDefinition,
  target: RowTarget,
): Promise<void> {
  const query = db.deleteFrom(definition.table).where(conditionOf(definition, target));
  const [result] = await query.execute();
  if (!result?.numDeletedRows) await explainMiss(db, definition, target);
}

/** The greater one of what is stored and what is to be; NULL is less than everything. */
export function laterOf(stored: RawBuilder<unknown>, next: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`case when ${next} >= ${stored} or ${stored} is null then ${next} else ${stored} end`;
}

function conditionOf({ version }: TableDefinition, target: RowTarget): Condition {
  if (version === undefined) return target.key;
  return allOf([
    target.key,
    sql<SqlBool>`${sql.ref(version.name)} = ${bindValue(target.version, version.kind)}`,
  ]);
}

// Asked afterwards, so that a write that succeeds is one statement.
async function explainMiss(
  db: UntypedDatabase,
  { table, version }: TableDefinition,
  target: RowTarget,
): Promise<never> {
  if (version === undefined || target.version === undefined) throw new NotFoundError(table);
  const [row] = await db.selectFrom(table).select(version.name).where(target.key).execute();
  if (row === undefined) throw new NotFoundError(table);
  throw new StaleEntityError(table, target.version, Number(row[version.name]));
}

/** What hangs on a table of SQLite: its indexes, and the triggers and views that may speak of it. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { refuse } from '../check-portable-table.ts';
import type { NamedIndex } from '../portable-table.ts';
import type { RebuildLosses } from '../rebuild-terms.ts';
import { findSqliteColumn, isSameName, readSqliteTable, type SqliteTable } from './sqlite-table-shape.ts';
import { readTriggerHeader } from './sqlite-trigger-header.ts';

/** One of them, as it was declared. */
export interface Dependent {
  readonly type: 'index' | 'trigger' | 'view';
  readonly name: string;
  /** The table of an index or trigger. */
  readonly table: string;
  readonly sql: string;
  /** Whether it is made again. */
  readonly isKept: boolean;
}

/**
 * Reads the indexes of a table, and every trigger and view of the database: a name can stand in one in many ways,
 * and making it again changes nothing.
 *
 * @param table that is made anew
 * @param losses what is not made again
 * @param indexes of the new table, which take the place of old ones of their names
 * @throws ValidationError where something is to be lost that is not there
 */
export async function readDependents(
  db: Kysely<any>,
  table: string,
  losses: RebuildLosses = {},
  indexes: readonly NamedIndex[] = [],
): Promise<readonly Dependent[]> {
  const { rows } = await sql<Omit<Dependent, 'isKept'>>`
    select type, name, tbl_name as "table", sql from sqlite_schema
    where type in ('trigger', 'view') or (type = 'index' and sql is not null and tbl_name = ${table} collate nocase)
    order by rowid`.execute(db);
  const lost = { index: losses.indexes ?? [], trigger: losses.triggers ?? [], view: losses.views ?? [] };
  const issues = (['index', 'trigger', 'view'] as const).flatMap((type) =>
    lost[type]
      .filter((name) => !rows.some((row) => row.type === type && isSameName(row.name, name)))
      .map((name) => ({ path: ['drop', name], message: `is no ${type} that hangs on the table` })),
  );
  refuse(`table "${table}"`, issues);
  return rows.map((row) => {
    const isLost = lost[row.type].some((name) => isSameName(row.name, name));
    const isReplaced = row.type === 'index' && indexes.some(({ name }) => isSameName(row.name, name));
    return { ...row, isKept: !isLost && !isReplaced };
  });
}

/** Drops triggers and views: none may fire at the copy, and SQLite renames no table while one of them fits nothing. */
export async function setAside(db: Kysely<any>, dependents: readonly Dependent[]): Promise<void> {
  // A view takes its own triggers with it.
  for (const { name } of ofType(dependents, 'trigger')) await sql`drop trigger ${sql.id(name)}`.execute(db);
  for (const { name } of ofType(dependents, 'view')) await sql`drop view ${sql.id(name)}`.execute(db);
}

/**
 * Makes them again as they were declared: indexes, then views, then triggers, which may stand on views.
 *
 * @param table that was made anew
 * @param fresh its columns
 * @throws ValidationError where one does not fit the new table
 */
export async function makeAgain(
  db: Kysely<any>,
  table: string,
  dependents: readonly Dependent[],
  fresh: SqliteTable,
): Promise<void> {
  const kept = dependents.filter(({ isKept }) => isKept);
  for (const type of ['index', 'view', 'trigger'] as const) {
    for (const dependent of ofType(kept, type)) {
      refuseUnknownColumns(table, dependent, fresh);
      await orSay(misfit(table, type, dependent.name), sql.raw(dependent.sql).execute(db));
    }
  }
}

/**
 * Proves that every trigger and view fits the tables. SQLite looks at them when they are used, so each is: in
 * statements that are compiled and not run.
 *
 * @param table that was made anew
 * @throws ValidationError where one does not fit
 */
export async function proveFit(
  db: Kysely<any>,
  table: string,
  dependents: readonly Dependent[],
): Promise<void> {
  const kept = dependents.filter(({ isKept }) => isKept);
  for (const { name } of ofType(kept, 'view')) {
    await orSay(misfit(table, 'view', name), sql`explain select * from ${sql.id(name)}`.execute(db));
  }
  for (const trigger of ofType(kept, 'trigger')) {
    const statements = await firingStatements(db, trigger);
    for (const statement of statements) {
      await orSay(misfit(table, 'trigger', trigger.name), sql`explain ${statement}`.execute(db));
    }
  }
}

/** Statements of which one at least fires a trigger. */
async function firingStatements(db: Kysely<any>, trigger: Dependent): Promise<RawBuilder<unknown>[]> {
  const { columns } = await readSqliteTable(db, trigger.table);
  const names = columns.filter(({ isGenerated }) => !isGenerated).map(({ name }) => sql.id(name));
  const table = sql.id(trigger.table);
  const statements = {
    insert: sql`insert into ${table} (${sql.join(names)}) select ${sql.join(names)} from ${table}`,
    update: sql`update ${table} set ${sql.join(names.map((name) => sql`${name} = ${name}`))}`,
    delete: sql`delete from ${table}`,
  };
  // A view takes only what it has a trigger for.
  const header = readTriggerHeader(trigger.sql);
  return Object.entries(statements)
    .filter(([event]) => !header.isOnView || event === header.event)
    .map(([, statement]) => statement);
}

// SQLite takes `update of` a column that is not there for one that is never updated.
function refuseUnknownColumns(table: string, dependent: Dependent, fresh: SqliteTable): void {
  if (dependent.type !== 'trigger' || !isSameName(dependent.table, table)) return;
  const { columns } = readTriggerHeader(dependent.sql);
  const unknown = columns.filter((name) => findSqliteColumn(fresh, name) === undefined);
  refuse(
    `table "${table}"`,
    unknown.map((name) => ({
      path: [dependent.name],
      message: `is a trigger on updates of "${name}", which is no column of the new table: name it in \`drop.triggers\``,
    })),
  );
}

function ofType(dependents: readonly Dependent[], type: Dependent['type']): readonly Dependent[] {
  return dependents.filter((dependent) => dependent.type === type);
}

function misfit(table: string, type: Dependent['type'], name: string): string {
  return `The ${type} "${name}" does not fit the table "${table}" as it was made anew. Name it in \`drop\` and make it again as it should be.`;
}

async function orSay(message: string, done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (cause) {
    if (!(cause instanceof LiminalDataError)) throw cause;
    throw new ValidationError(message, { cause });
  }
}

/** Makes tables, columns and indexes from what a migration says of them, in the words of the engine at hand. */
import {
  sql,
  type ColumnDefinitionBuilder,
  type CreateTableBuilder,
  type Kysely,
  type RawBuilder,
} from 'kysely';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { checkAddedColumn, checkIndex, checkTable } from './check-portable-table.ts';
import type { TableHelpers } from './column-helpers.ts';
import { columnKinds, type ColumnKinds, type PortableColumn } from './portable-column.ts';
import {
  nameIndex,
  nameParts,
  type DefineColumns,
  type IndexTerm,
  type NamedIndex,
  type PortableIndex,
  type PortableTable,
  type PortableTableTerms,
} from './portable-table.ts';
import type { SqlVocabulary } from './sql-vocabulary.ts';

/** What differs between engines here. */
export interface PortableWords {
  /** The column types of a table. */
  table(name: string): TableHelpers;
  readonly sql: Pick<SqlVocabulary, 'jsonString' | 'jsonNumber' | 'jsonBoolean'>;
}

/**
 * Names and checks a table; see `ColumnHelpers.createTable`.
 *
 * @throws ValidationError that lists every fault
 */
export function definePortableTable(
  name: string,
  define: DefineColumns,
  terms: PortableTableTerms,
): PortableTable {
  const table = nameParts(name, define(columnKinds), terms);
  checkTable(table);
  return table;
}

/**
 * Makes a table without its indexes.
 *
 * @param db where
 * @param words of the engine
 * @param table checked
 * @param as another name for it, while its constraints keep theirs; and whether it ends with the session
 */
export async function createBareTable(
  db: Kysely<any>,
  words: PortableWords,
  table: PortableTable,
  as: { readonly name?: string; readonly isTemporary?: boolean } = {},
): Promise<void> {
  const types = words.table(table.name);
  let builder: CreateTableBuilder<string, string> = db.schema.createTable(as.name ?? table.name);
  if (as.isTemporary === true) builder = builder.temporary();
  for (const [column, definition] of Object.entries(table.columns)) {
    builder = builder.addColumn(column, typeOf(types, column, definition), (built) =>
      describeColumn(built, definition),
    );
  }
  for (const { name: check, rule } of table.checks) builder = builder.addCheckConstraint(check, rule);
  if (table.primaryKey !== undefined) {
    builder = builder.addPrimaryKeyConstraint(table.primaryKey.name, [...table.primaryKey.columns]);
  }
  for (const key of table.unique) builder = builder.addUniqueConstraint(key.name, [...key.columns]);
  for (const { name: key, columns, references, onDelete } of table.foreignKeys) {
    builder = builder.addForeignKeyConstraint(
      key,
      [...columns],
      references.table,
      [...references.columns],
      (built) => (onDelete === undefined ? built : built.onDelete(onDelete)),
    );
  }
  await builder.modifyEnd(types.end).execute();
}

/**
 * Makes an index.
 *
 * @param mode `absent` makes it where there is none of the name; `concurrently` too, and lets writers go on
 */
export async function createIndex(
  db: Kysely<any>,
  words: PortableWords,
  table: string,
  index: NamedIndex,
  mode: 'new' | 'absent' | 'concurrently' = 'new',
): Promise<void> {
  const unique = index.unique ? sql`unique ` : sql``;
  const how = { new: sql``, absent: sql`if not exists `, concurrently: sql`concurrently if not exists ` };
  const terms = sql.join(index.terms.map((term) => termOf(words, term)));
  const where = index.where === undefined ? sql`` : sql` where ${index.where}`;
  await sql`create ${unique}index ${how[mode]}${sql.id(index.name)} on ${sql.id(table)} (${terms})${where}`.execute(
    db,
  );
}

/** The helpers of a migration that every engine makes in the same way. */
export function portableHelpers(words: PortableWords) {
  return {
    createTable: async (
      db: Kysely<any>,
      name: string,
      columns: DefineColumns,
      terms: PortableTableTerms = {},
    ): Promise<void> => {
      const table = definePortableTable(name, columns, terms);
      await createBareTable(db, words, table);
      for (const index of table.indexes) await createIndex(db, words, name, index);
    },
    addColumn: async (
      db: Kysely<any>,
      table: string,
      column: string,
      define: (c: ColumnKinds) => PortableColumn,
    ): Promise<void> => {
      const definition = define(columnKinds);
      checkAddedColumn(table, column, definition);
      await db.schema
        .alterTable(table)
        .addColumn(column, typeOf(words.table(table), column, definition), (built) =>
          describeColumn(built, definition),
        )
        .execute();
      if (definition.references?.index !== true) return;
      const index = nameIndex(table, [column]);
      checkIndex(table, index);
      await createIndex(db, words, table, index);
    },
    createIndex: async (db: Kysely<any>, table: string, index: PortableIndex): Promise<void> => {
      const named = nameIndex(table, index);
      checkIndex(table, named);
      await createIndex(db, words, table, named);
    },
  };
}

/**
 * Names and checks an index that is made outside of a transaction; see `ColumnHelpers.createIndexConcurrently`.
 *
 * @throws ValidationError where it has faults, or `db` is a transaction
 */
export function defineConcurrentIndex(db: Kysely<any>, table: string, index: PortableIndex): NamedIndex {
  const named = nameIndex(table, index);
  checkIndex(table, named);
  if (db.isTransaction) {
    throw new ValidationError(
      `The index "${named.name}" cannot be made concurrently inside of a transaction. Declare \`transaction: false\` in its migration.`,
    );
  }
  return named;
}

function typeOf(types: TableHelpers, name: string, { type }: PortableColumn): RawBuilder<unknown> {
  switch (type.kind) {
    case 'enumText':
      return types.enumText(name, type.values);
    case 'counter':
      return types.counter(name, type.min);
    case 'uuid':
    case 'text':
    case 'integer':
    case 'real':
    case 'blob':
    case 'epochMillis':
    case 'json':
      return types[type.kind](name);
  }
}

function describeColumn(builder: ColumnDefinitionBuilder, column: PortableColumn): ColumnDefinitionBuilder {
  let built = builder;
  if (column.default !== undefined) built = built.defaultTo(sql.lit(column.default));
  if (!column.nullable) built = built.notNull();
  if (column.primaryKey) built = built.primaryKey();
  const { references } = column;
  if (references === undefined) return built;
  // The names are checked: Kysely takes such a text apart at its dots.
  built = built.references(`${references.table}.${references.column}`);
  return references.onDelete === undefined ? built : built.onDelete(references.onDelete);
}

function termOf({ sql: vocabulary }: PortableWords, term: IndexTerm): RawBuilder<unknown> {
  if (typeof term === 'string') return sql.id(term);
  const column = sql.ref(term.column);
  switch (term.as) {
    case 'string':
      return sql`(${vocabulary.jsonString(column, term.path)})`;
    case 'number':
      return sql`(${vocabulary.jsonNumber(column, term.path)})`;
    case 'boolean':
      return sql`(${vocabulary.jsonBoolean(column, term.path)})`;
  }
}

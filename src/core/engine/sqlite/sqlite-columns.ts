import { sql, type RawBuilder } from 'kysely';
import type { ColumnHelpers, TableHelpers } from '../column-helpers.ts';
import {
  createIndex,
  defineConcurrentIndex,
  portableHelpers,
  type PortableWords,
} from '../create-portable-table.ts';
import { createSqliteSwitchTable, dropSqliteAppendOnly, makeSqliteAppendOnly } from './sqlite-append-only.ts';
import { abandonSqliteExpansion, contractSqliteColumn, expandSqliteColumn } from './sqlite-expansion.ts';
import { rebuildTable } from './sqlite-rebuild.ts';
import { sqliteVocabulary } from './sqlite-vocabulary.ts';

/** What an integer of Postgres ends at; a count that fits here must fit there. */
const largestCounter = 2_147_483_647;

const dialectWords: PortableWords = { table: createTableHelpers, sql: sqliteVocabulary };
const portable = portableHelpers(dialectWords);

/** Column types of SQLite. Tables are STRICT, so that a value of another type is refused as on Postgres. */
export const sqliteColumns: ColumnHelpers = {
  version: 1,
  table: createTableHelpers,
  ...portable,
  expandColumn: (db, expansion) => expandSqliteColumn(db, expansion, portable.addColumn),
  abandonExpansion: abandonSqliteExpansion,
  contractColumn: contractSqliteColumn,
  createSwitchTable: createSqliteSwitchTable,
  makeAppendOnly: makeSqliteAppendOnly,
  dropAppendOnly: dropSqliteAppendOnly,
  async createChainReader() {},
  async dropChainReader() {},

  async createIndexConcurrently(db, table, index) {
    await createIndex(db, dialectWords, table, defineConcurrentIndex(db, table, index), 'absent');
  },

  rebuildTable: (db, name, columns, terms = {}) => rebuildTable(db, dialectWords, { name, columns, terms }),

  async createFullTextTable(db, { name, owner, ownerTable }) {
    const table = sql.table(name);
    const index = sql.table(`${name}_index`);
    const uuid = createTableHelpers(name).uuid(owner);
    // The index follows an explicit INTEGER PRIMARY KEY: a plain rowid may change when a table is rebuilt.
    await sql`create table ${table} (
      "id" integer not null primary key,
      ${sql.ref(owner)} ${uuid} not null unique references ${sql.table(ownerTable)} ("id") on delete cascade,
      "tokens" text not null,
      "token_count" integer not null
    ) strict`.execute(db);
    await sql`create virtual table ${index} using fts5(
      tokens, content=${sql.lit(name)}, content_rowid='id', tokenize='ascii', detail='none', columnsize=0
    )`.execute(db);
    const add = sql`insert into ${index} (rowid, tokens) values (new.id, new.tokens)`;
    const remove = sql`insert into ${index} (${index}, rowid, tokens) values ('delete', old.id, old.tokens)`;
    await sql`create trigger ${sql.table(`${name}_insert`)} after insert on ${table} begin ${add}; end`.execute(
      db,
    );
    await sql`create trigger ${sql.table(`${name}_delete`)} after delete on ${table} begin ${remove}; end`.execute(
      db,
    );
    await sql`create trigger ${sql.table(`${name}_update`)} after update on ${table} begin ${remove}; ${add}; end`.execute(
      db,
    );
  },

  async dropFullTextTable(db, name) {
    await sql`drop table ${sql.table(name)}`.execute(db);
    await sql`drop table ${sql.table(`${name}_index`)}`.execute(db);
  },
};

function createTableHelpers(table: string): TableHelpers {
  const check = (column: string, rule: RawBuilder<unknown>) =>
    sql`constraint ${sql.ref(`${table}_${column}_check`)} check (${rule})`;
  return {
    uuid(column) {
      const name = sql.ref(column);
      return sql`text ${check(column, sql`length(${name}) = 36 and ${name} not glob '*[^0-9a-f-]*'`)}`;
    },
    text: () => sql`text`,
    enumText(column, values) {
      const words = sql.join(values.map((value) => sql.lit(value)));
      return sql`text ${check(column, sql`${sql.ref(column)} in (${words})`)}`;
    },
    integer: () => sql`integer`,
    real: () => sql`real`,
    blob: () => sql`blob`,
    counter(column, min) {
      const range = sql`${sql.ref(column)} between ${sql.lit(min)} and ${sql.lit(largestCounter)}`;
      return sql`integer ${check(column, range)}`;
    },
    epochMillis: () => sql`integer`,
    json: (column) => sql`text ${check(column, sql`json_valid(${sql.ref(column)})`)}`,
    end: sql`strict`,
  };
}

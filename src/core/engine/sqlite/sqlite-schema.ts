/** Reads the whole live schema of a SQLite database. */
import { sql, type Kysely } from 'kysely';
import { toSchemaSnapshot, type SchemaItem, type SchemaSnapshot } from '../schema-snapshot.ts';
import { readTableText } from './sqlite-table-text.ts';
import { SchemaTokenReader } from './sqlite-schema-reader.ts';
import { isToken, schemaTokens, writeTokens, type SchemaToken } from './sqlite-schema-tokens.ts';

/** A row of `sqlite_schema`. An index that a constraint made has no text, and is none of the rows. */
interface SchemaRow {
  readonly type: 'table' | 'index' | 'view' | 'trigger';
  readonly name: string;
  /** The table or view that it belongs to. */
  readonly owner: string;
  readonly text: string;
}

/**
 * Reads the schema of the main database, in one statement. What SQLite made itself (`sqlite_…`, the shadow
 * tables of a virtual table) and the record of migrations are not in it.
 *
 * @param db a root handle, a pinned one or a transaction
 * @returns the snapshot
 */
export async function readSqliteSchema(db: Kysely<any>): Promise<SchemaSnapshot> {
  const { rows } = await sql<SchemaRow>`
    select type, name, tbl_name as owner, sql as text from main.sqlite_schema
    where sql is not null and substr(name, 1, 7) <> 'sqlite_'
      and tbl_name not in (select name from pragma_table_list where schema = 'main' and type = 'shadow')
  `.execute(db);
  const parts = new Map<string, SchemaItem[]>();
  for (const row of rows) {
    if (row.type !== 'index' && row.type !== 'trigger') continue;
    // A trigger may have been made under the name of its table in other letters.
    const owner = row.owner.toLowerCase();
    const item = row.type === 'index' ? readIndex(row) : readTrigger(row);
    parts.set(owner, [...(parts.get(owner) ?? []), item]);
  }
  const items = rows.flatMap((row) => {
    const read = row.type === 'table' ? readTable(row) : row.type === 'view' ? readView(row) : undefined;
    const own = parts.get(row.name.toLowerCase()) ?? [];
    return read === undefined ? [] : [{ ...read, parts: [...read.parts, ...own] }];
  });
  return toSchemaSnapshot(items);
}

function readTable({ name, text }: SchemaRow): SchemaItem {
  const tokens = schemaTokens(text);
  if (!isToken(tokens[1], 'virtual')) return { kind: 'table', name, ...readTableText(text) };
  return { kind: 'virtual table', name, facts: { definition: textBehindName(tokens, 'table') }, parts: [] };
}

function readView({ name, text }: SchemaRow): SchemaItem {
  return { kind: 'view', name, facts: { definition: textBehindName(schemaTokens(text), 'view') }, parts: [] };
}

function readTrigger({ name, text }: SchemaRow): SchemaItem {
  return {
    kind: 'trigger',
    name,
    facts: { definition: textBehindName(schemaTokens(text), 'trigger') },
    parts: [],
  };
}

function readIndex({ name, text }: SchemaRow): SchemaItem {
  const tokens = schemaTokens(text);
  const reader = new SchemaTokenReader(tokens);
  reader.skipTo('(');
  const facts = {
    ...(isToken(tokens[1], 'unique') ? { unique: 'yes' } : {}),
    definition: writeTokens(reader.takeRest()),
  };
  return { kind: 'index', name, facts, parts: [] };
}

/** What stands behind CREATE TRIGGER and the like and the name, which may have that of a schema before it. */
function textBehindName(tokens: readonly SchemaToken[], word: string): string {
  const reader = new SchemaTokenReader(tokens);
  reader.skipTo(word);
  reader.take(word);
  reader.take('if', 'not', 'exists');
  reader.takeName();
  if (reader.take('.')) reader.takeName();
  return writeTokens(reader.takeRest());
}

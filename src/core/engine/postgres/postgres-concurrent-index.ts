import { sql, type Kysely } from 'kysely';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { createIndex, defineConcurrentIndex, type PortableWords } from '../create-portable-table.ts';
import type { PortableIndex } from '../portable-table.ts';
import { dropInvalidIndex } from './postgres-invalid-indexes.ts';

interface Present {
  readonly isOfTable: boolean;
  readonly isUsable: boolean;
}

/**
 * Makes an index while the table is read and written; see `ColumnHelpers.createIndexConcurrently`. One that a failed
 * run has left invalid costs writes and serves nobody, and IF NOT EXISTS would take it for the wanted one.
 */
export async function createIndexConcurrently(
  db: Kysely<any>,
  words: PortableWords,
  table: string,
  index: PortableIndex,
): Promise<void> {
  const named = defineConcurrentIndex(db, table, index);
  const present = await findIndex(db, table, named.name);
  if (present?.isOfTable === false) {
    throw new ValidationError(
      `The index "${named.name}" is there already, but it is one of another table than "${table}". Give it another \`name\`.`,
    );
  }
  if (present?.isUsable === false) await dropInvalidIndex(db, named.name);
  await createIndex(db, words, table, named, 'concurrently');
}

// An index lies in the schema of its table.
async function findIndex(db: Kysely<any>, table: string, name: string): Promise<Present | undefined> {
  const { rows } = await sql<Present>`
    select i.indrelid = t.oid as "isOfTable", i.indisvalid and i.indisready as "isUsable"
    from pg_class t join pg_class c on c.relnamespace = t.relnamespace
    join pg_index i on i.indexrelid = c.oid
    where t.oid = to_regclass(quote_ident(${table})) and c.relname = ${name}`.execute(db);
  return rows[0];
}

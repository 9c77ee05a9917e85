/**
 * Makes a table of SQLite anew with other columns, in the order that SQLite's documentation gives for it, and proves
 * that nothing was lost. It does not switch foreign keys: inside of a transaction nobody can.
 */
import { sql, type Kysely } from 'kysely';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { checkIndex, refuse } from '../check-portable-table.ts';
import {
  createBareTable,
  createIndex,
  definePortableTable,
  type PortableWords,
} from '../create-portable-table.ts';
import { nameIndex, type NamedIndex, type PortableTable } from '../portable-table.ts';
import { checkRebuild, type Rebuild } from '../rebuild-terms.ts';
import { makeAgain, proveFit, readDependents, setAside } from './sqlite-dependents.ts';
import { sqliteForeignKeys } from './sqlite-foreign-keys.ts';
import { compareContent } from './sqlite-rebuild-comparison.ts';
import { planCopy, type ColumnCopy } from './sqlite-rebuild-copy.ts';
import { readSqliteTable } from './sqlite-table-shape.ts';

/** Makes a table anew; see `ColumnHelpers.rebuildTable`. */
export async function rebuildTable(db: Kysely<any>, words: PortableWords, rebuild: Rebuild): Promise<void> {
  const { name, columns, terms } = rebuild;
  checkRebuild(db, rebuild);
  const table = typeof columns === 'function' ? definePortableTable(name, columns, terms) : undefined;
  const indexes = table?.indexes ?? (terms.indexes ?? []).map((index) => nameIndex(name, index));
  for (const index of indexes) checkIndex(name, index);
  const interim = `${name}_rebuilt`;
  await refuseUnfit(db, name, interim);

  const old = await readSqliteTable(db, name);
  const dependents = await readDependents(db, name, terms.drop, indexes);
  await setAside(db, dependents);
  await createInterim(db, words, rebuild, table, interim);
  const fresh = await readSqliteTable(db, interim);
  const copies = planCopy(name, old, fresh, terms);
  await copyRows(db, name, interim, copies);
  await compareContent(db, name, interim, copies);
  await keepSequence(db, name, interim);
  await sql`drop table ${sql.id(name)}`.execute(db);
  await sql`alter table ${sql.id(interim)} rename to ${sql.id(name)}`.execute(db);
  await createIndexes(db, words, name, indexes);
  await makeAgain(db, name, dependents, fresh);
  await proveFit(db, name, dependents);
  const broken = await sqliteForeignKeys.findBroken(db);
  refuse(
    `table "${name}"`,
    broken.map((line) => ({ path: [], message: `after it was made anew, ${line}` })),
  );
}

async function refuseUnfit(db: Kysely<any>, name: string, interim: string): Promise<void> {
  const setting = await sql<{ isOn: number }>`select foreign_keys as "isOn" from pragma_foreign_keys`.execute(
    db,
  );
  if (setting.rows[0]?.isOn !== 0) {
    throw new ValidationError(
      `The table "${name}" cannot be made anew while foreign keys are on: dropping it would delete or refuse the rows that refer to it. Declare \`foreignKeys: 'off'\` in its migration.`,
    );
  }
  const { rows } = await sql<{ name: string; type: string }>`
    select name, type from pragma_table_list
    where schema = 'main' and name in (${name}, ${interim})`.execute(db);
  const found = rows.find((row) => row.name === name);
  if (found?.type !== 'table') {
    throw new ValidationError(
      `There is no table "${name}" to make anew${found === undefined ? '' : `: it is a ${found.type}`}.`,
    );
  }
  if (rows.length > 1) {
    throw new ValidationError(
      `The table "${name}" is made anew under the name "${interim}", which is taken. Rename or drop that one first.`,
    );
  }
}

async function createInterim(
  db: Kysely<any>,
  words: PortableWords,
  { columns }: Rebuild,
  table: PortableTable | undefined,
  interim: string,
): Promise<void> {
  if (table !== undefined) await createBareTable(db, words, table, { name: interim });
  else if (typeof columns !== 'function') await sql`create table ${sql.id(interim)} ${columns}`.execute(db);
}

async function copyRows(
  db: Kysely<any>,
  name: string,
  interim: string,
  copies: readonly ColumnCopy[],
): Promise<void> {
  const targets = sql.join(copies.map(({ target }) => sql.id(target)));
  const sources = sql.join(
    copies.map(({ source }) => (typeof source === 'string' ? sql.id(source) : source)),
  );
  await sql`insert into ${sql.id(interim)} (${targets}) select ${sources} from ${sql.id(name)}`.execute(db);
}

// AUTOINCREMENT promises never to hand out an id again, also not that of a row which was deleted since.
async function keepSequence(db: Kysely<any>, name: string, interim: string): Promise<void> {
  const { rows } = await sql<{ sql: string }>`
    select sql from sqlite_schema where type = 'table' and name in ('sqlite_sequence', ${interim})`.execute(
    db,
  );
  if (rows.length < 2 || !rows.some((row) => /\bautoincrement\b/iu.test(row.sql))) return;
  await sql`delete from sqlite_sequence where name = ${interim}
    and exists (select 1 from sqlite_sequence where name = ${name})`.execute(db);
  await sql`insert into sqlite_sequence (name, seq)
    select ${interim}, seq from sqlite_sequence where name = ${name}`.execute(db);
}

async function createIndexes(
  db: Kysely<any>,
  words: PortableWords,
  table: string,
  indexes: readonly NamedIndex[],
): Promise<void> {
  for (const index of indexes) await createIndex(db, words, table, index);
}

/** Lets SQLite refuse to change the rows of a table, by triggers. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { AppendOnlyTerms } from '../append-only-terms.ts';

/** Makes the table of a switch, whose row refers to one that there cannot be: only the COMMIT looks for it. */
export async function createSqliteSwitchTable(db: Kysely<any>, name: string): Promise<void> {
  await sql`create table ${sql.id(name)} (
    "state" text not null primary key check ("state" = 'on'),
    "until" text not null check ("until" = 'off')
      references ${sql.id(name)} ("state") deferrable initially deferred
  ) strict`.execute(db);
}

/** Makes the triggers. */
export async function makeSqliteAppendOnly(
  db: Kysely<any>,
  table: string,
  terms: AppendOnlyTerms | undefined,
): Promise<void> {
  const { rows } = await sql<{ name: string; type: string }>`
    select name, 'column' as type from pragma_table_info(${table})
    union all
    select (
      select json_group_array(name) from (select name from pragma_index_info(l.name) order by seqno)
    ), 'key' from pragma_index_list(${table}) l where l."unique" = 1`.execute(db);
  const columns = rows.filter(({ type }) => type === 'column').map(({ name }) => name);
  const keys = rows.filter(({ type }) => type === 'key').map(({ name }) => JSON.parse(name) as string[]);
  if (columns.length === 0)
    throw new ValidationError([{ path: ['table'], message: `there is no table "${table}"` }]);
  const refuse = (verb: string, event: RawBuilder<unknown>, unless: RawBuilder<unknown>) =>
    sql`create trigger ${sql.id(`${table}_${verb}`)} before ${event} on ${sql.id(table)} when (${unless}) is not true
      begin select raise(abort, ${sql.lit(`rows of ${table} are not changed and not deleted`)}); end`.execute(
      db,
    );
  await refuse('no_update', sql`update`, terms === undefined ? sql`false` : isErasure(columns, terms));
  await refuse(
    'no_delete',
    sql`delete`,
    terms === undefined ? sql`false` : sql`${isOn(terms)} and ${terms.deletable}`,
  );
  // INSERT OR REPLACE deletes what is in its way, and fires no trigger of DELETE for it.
  const taken = [['rowid'], ...keys].map((key) => {
    const same = key.map((column) => sql`${sql.id(column)} = new.${sql.id(column)}`);
    return sql`exists (select 1 from ${sql.id(table)} where ${sql.join(same, sql` and `)})`;
  });
  await refuse('no_replace', sql`insert`, sql`not (${sql.join(taken, sql` or `)})`);
}

/** Drops the triggers. */
export async function dropSqliteAppendOnly(db: Kysely<any>, table: string): Promise<void> {
  for (const verb of ['no_update', 'no_delete', 'no_replace']) {
    await sql`drop trigger ${sql.id(`${table}_${verb}`)}`.execute(db);
  }
}

function isOn({ switchTable }: AppendOnlyTerms): RawBuilder<unknown> {
  return sql`exists (select 1 from ${sql.id(switchTable)})`;
}

function isErasure(columns: readonly string[], terms: AppendOnlyTerms): RawBuilder<unknown> {
  const { column: erasable, where } = terms.erasable;
  const same = columns
    .filter((column) => column !== erasable)
    .map((column) => sql`new.${sql.id(column)} is old.${sql.id(column)}`);
  return sql`${isOn(terms)} and new.${sql.id(erasable)} is null and ${where} and ${sql.join(same, sql` and `)}`;
}

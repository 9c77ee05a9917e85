/** Lets Postgres refuse to change the rows of a table, by triggers. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { AppendOnlyTerms } from '../append-only-terms.ts';

/** Makes the table of a switch, whose row refers to one that there cannot be: only the COMMIT looks for it. */
export async function createPostgresSwitchTable(db: Kysely<any>, name: string): Promise<void> {
  const check = (column: string, value: string) =>
    sql`constraint ${sql.id(`${name}_${column}_check`)} check (${sql.id(column)} = ${sql.lit(value)})`;
  await sql`create table ${sql.table(name)} (
    "state" text collate "C" not null primary key ${check('state', 'on')},
    "until" text collate "C" not null ${check('until', 'off')}
      constraint ${sql.id(`${name}_until_fkey`)} references ${sql.table(name)} ("state") deferrable initially deferred
  )`.execute(db);
}

/** Makes the triggers, and the function that they call. */
export async function makePostgresAppendOnly(
  db: Kysely<any>,
  table: string,
  terms: AppendOnlyTerms | undefined,
): Promise<void> {
  const schema = await schemaOf(db, table);
  const place = sql.id(schema, table);
  const guard = sql.id(schema, `${table}_append_only`);
  // Temporary tables come last, so that none of them stands for one of ours.
  await sql`create function ${guard}() returns trigger language plpgsql
    set search_path = ${sql.id(schema)}, pg_temp as $liminal$
begin
  ${terms === undefined ? sql`` : exceptions(terms)}
  raise exception 'rows of % are not changed and not deleted', tg_table_name;
end $liminal$`.execute(db);
  await sql`create trigger ${sql.id(`${table}_no_change`)} before update or delete on ${place}
    for each row execute function ${guard}()`.execute(db);
  await sql`create trigger ${sql.id(`${table}_no_truncate`)} before truncate on ${place}
    for each statement execute function ${guard}()`.execute(db);
}

/** Drops the triggers, and their function. */
export async function dropPostgresAppendOnly(db: Kysely<any>, table: string): Promise<void> {
  const schema = await schemaOf(db, table);
  for (const verb of ['no_change', 'no_truncate']) {
    await sql`drop trigger ${sql.id(`${table}_${verb}`)} on ${sql.id(schema, table)}`.execute(db);
  }
  await sql`drop function ${sql.id(schema, `${table}_append_only`)}()`.execute(db);
}

function exceptions({ switchTable, erasable, deletable }: AppendOnlyTerms): RawBuilder<unknown> {
  const isOn = sql`exists (select 1 from ${sql.id(switchTable)})`;
  return sql`if tg_op = 'DELETE' then
    if ${isOn} and ${deletable} then
      return old;
    end if;
  elsif tg_op = 'UPDATE' then
    if ${isOn} and new.${sql.id(erasable.column)} is null and ${erasable.where} then
      old.${sql.id(erasable.column)} := null;
      if record_image_eq(old, new) then
        return new;
      end if;
    end if;
  end if;`;
}

/** @throws ValidationError where there is no such table */
export async function schemaOf(db: Kysely<any>, table: string): Promise<string> {
  const { rows } = await sql<{ schema: string }>`
    select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass(${sql.table(table).compile(db).sql})`.execute(db);
  const [first] = rows;
  if (first !== undefined) return first.schema;
  throw new ValidationError([{ path: ['table'], message: `there is no table "${table}"` }]);
}

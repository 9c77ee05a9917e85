/** What `t.rebuildTable` is on Postgres: the migration's own ALTER TABLE, held against the columns that it named. */
import { sql, type Kysely } from 'kysely';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { refuse } from '../check-portable-table.ts';
import { createBareTable, definePortableTable, type PortableWords } from '../create-portable-table.ts';
import type { PortableTable } from '../portable-table.ts';
import { checkRebuild, type Rebuild } from '../rebuild-terms.ts';

/**
 * Alters a table in place and compares its columns with the wanted ones: name, type, collation and whether they may
 * be NULL. A copy, as on SQLite, would lose grants, owners, statistics and what other sessions hold of the table.
 *
 * @throws ValidationError where the migration does not say how, or the columns then differ
 */
export async function alterTable(db: Kysely<any>, words: PortableWords, rebuild: Rebuild): Promise<void> {
  const { name, columns, terms } = rebuild;
  checkRebuild(db, rebuild);
  const table = typeof columns === 'function' ? definePortableTable(name, columns, terms) : undefined;
  if (terms.alter === undefined) {
    throw new ValidationError(
      `The table "${name}" can be altered in place on this engine, so it is not made anew. Say in \`alter\` of t.rebuildTable how, by ALTER TABLE.`,
    );
  }
  await terms.alter();
  if (table !== undefined) await compareColumns(db, words, table);
}

interface Difference {
  readonly name: string;
  readonly wanted: string | null;
  readonly found: string | null;
}

async function compareColumns(db: Kysely<any>, words: PortableWords, table: PortableTable): Promise<void> {
  const wanted = `${table.name}_wanted`;
  await createBareTable(db, words, withoutOthers(table), { name: wanted, isTemporary: true });
  const describe = sql`select a.attname::text as name, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
    case when a.attcollation <> 0 then 'collate ' || l.collname end, case when a.attnotnull then 'not null' end) as type
    from pg_attribute a left join pg_collation l on l.oid = a.attcollation
    where a.attnum > 0 and not a.attisdropped and a.attrelid =`;
  const { rows } = await sql<Difference>`
    select coalesce(w.name, f.name) as name, w.type as wanted, f.type as found
    from (${describe} to_regclass('pg_temp.' || quote_ident(${wanted}))) w
    full join (${describe} to_regclass(quote_ident(${table.name}))) f on f.name = w.name
    where w.type is distinct from f.type order by 1`.execute(db);
  await sql`drop table pg_temp.${sql.id(wanted)}`.execute(db);
  refuse(
    `table "${table.name}"`,
    rows.map((row) => ({
      path: [row.name],
      message: `is ${row.found ?? 'not there'} after \`alter\`, and should be ${row.wanted ?? 'gone'}`,
    })),
  );
}

// What refers to other tables cannot stand in a temporary one, and the rest is not compared.
function withoutOthers(table: PortableTable): PortableTable {
  const columns = Object.entries(table.columns).map(([name, column]) => [
    name,
    { ...column, references: undefined },
  ]);
  return {
    ...table,
    columns: Object.fromEntries(columns),
    unique: [],
    checks: [],
    foreignKeys: [],
    indexes: [],
  };
}

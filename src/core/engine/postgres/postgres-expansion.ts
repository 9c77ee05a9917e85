/** Keeps two columns of a Postgres table in step by triggers that run before the row is written. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { ColumnsOutOfStepError } from '../../foundation/errors/migration-errors.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import {
  checkExpandable,
  checkExpansion,
  defineNewColumn,
  expansionName,
  inTransaction,
  sameValue,
  type AddColumn,
  type ColumnContraction,
  type ColumnExpansion,
  type ExpandedColumn,
  type NewColumnExpansion,
} from '../column-expansion.ts';

/** Adds the new column, and the triggers that keep both in step. */
export async function expandPostgresColumn(
  db: Kysely<any>,
  expansion: NewColumnExpansion,
  addColumn: AddColumn,
): Promise<void> {
  checkExpansion(db, expansion);
  const { table, from, to } = expansion;
  const { place, columns } = await findTable(db, table);
  checkExpandable(columns, expansion);
  const definition = defineNewColumn(expansion);
  await inTransaction(db, async (trx) => {
    await addColumn(trx, table, to, () => definition);
    await createFunction(trx, place, expansion);
    for (const [part, event] of [
      ['insert', sql`insert`],
      // They run by name: where a statement writes both columns, the new one is looked at first.
      ['update_1', sql`update of ${sql.id(to)}`],
      ['update_2', sql`update of ${sql.id(from)}`],
      // The application's own trigger may change one of them where the statement names neither.
      ['update_3', sql`update`],
    ] as const) {
      await sql`create trigger ${sql.id(expansionName(expansion, part))} before ${event} on ${place.table}
        for each row execute function ${functionOf(place, expansion)}(${sql.lit(part)})`.execute(trx);
    }
  });
}

/** Drops the triggers and the new column. */
export async function abandonPostgresExpansion(db: Kysely<any>, expansion: ExpandedColumn): Promise<void> {
  checkExpansion(db, expansion);
  const { place } = await findTable(db, expansion.table);
  await inTransaction(db, async (trx) => {
    await sql`drop function if exists ${functionOf(place, expansion)}() cascade`.execute(trx);
    await sql`alter table ${place.table} drop column ${sql.id(expansion.to)}`.execute(trx);
  });
}

/** Drops the triggers and the old column; without a transaction it holds no lock for longer than an instant. */
export async function contractPostgresColumn(db: Kysely<any>, contraction: ColumnContraction): Promise<void> {
  checkExpansion(db, contraction);
  const { table, from, to, notNull = false } = contraction;
  const { place, columns } = await findTable(db, table);
  const has = (name: string): boolean => columns.some((column) => column.name === name);
  // It ran before, without a transaction, and was stopped before it was recorded.
  if (has(to) && !has(from)) return;
  await requireInStep(db, contraction);
  const needsProof = notNull && !db.isTransaction;
  try {
    if (needsProof) await proveNotNull(db, place, contraction);
    await inTransaction(db, async (trx) => {
      await sql`drop function if exists ${functionOf(place, contraction)}() cascade`.execute(trx);
      if (notNull) {
        await sql`alter table ${place.table} alter column ${sql.id(to)} set not null`.execute(trx);
        await dropProof(trx, place, contraction);
      }
      await sql`alter table ${place.table} drop column ${sql.id(from)}`.execute(trx);
    });
  } catch (error) {
    // Left behind, it would refuse what old programs write. Where it cannot go now, the first error is what counts.
    if (needsProof) await dropProof(db, place, contraction).catch(() => {});
    throw error;
  }
}

/**
 * Lets SET NOT NULL find a proof, so that it does not read the table while nobody else may. VALIDATE reads it,
 * and lets everybody write meanwhile.
 */
async function proveNotNull(
  db: Kysely<any>,
  { table }: Place,
  contraction: ColumnContraction,
): Promise<void> {
  const check = sql.id(checkName(contraction));
  await sql`alter table ${table} drop constraint if exists ${check},
    add constraint ${check} check (${sql.id(contraction.to)} is not null) not valid`.execute(db);
  await sql`alter table ${table} validate constraint ${check}`.execute(db);
}

async function dropProof(db: Kysely<any>, { table }: Place, contraction: ColumnContraction): Promise<void> {
  await sql`alter table ${table} drop constraint if exists ${sql.id(checkName(contraction))}`.execute(db);
}

function checkName(expansion: ExpandedColumn): string {
  return expansionName(expansion, 'not_null');
}

interface Place {
  readonly schema: string;
  readonly table: RawBuilder<unknown>;
}

interface FoundTable {
  readonly place: Place;
  readonly columns: readonly { readonly name: string; readonly isKey: boolean }[];
}

async function findTable(db: Kysely<any>, table: string): Promise<FoundTable> {
  const name = sql.table(table).compile(db).sql;
  const { rows } = await sql<{ schema: string; name: string; column: string; is_key: number }>`
    select n.nspname as schema, c.relname as name, a.attname as column,
      (case when a.attnum = any (i.indkey) then 1 else 0 end) as is_key
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where c.oid = to_regclass(${name})`.execute(db);
  const [first] = rows;
  if (first === undefined)
    throw new ValidationError([{ path: ['table'], message: `there is no table "${table}"` }]);
  return {
    place: { schema: first.schema, table: sql.id(first.schema, first.name) },
    columns: rows.map(({ column, is_key: isKey }) => ({ name: column, isKey: isKey === 1 })),
  };
}

function functionOf({ schema }: Place, expansion: ExpandedColumn): RawBuilder<unknown> {
  return sql.id(schema, expansionName(expansion));
}

/**
 * One function for all the triggers. Values are compared by their image (`record_image_eq`): by `=` a text of a collation
 * that ignores case would be taken for unchanged, and json has no `=` at all.
 */
async function createFunction(db: Kysely<any>, place: Place, expansion: ColumnExpansion): Promise<void> {
  const { from, to, forward = sameValue, backward = sameValue } = expansion;
  const oldValue = sql`NEW.${sql.id(from)}`;
  const newValue = sql`NEW.${sql.id(to)}`;
  await sql`create function ${functionOf(place, expansion)}() returns trigger language plpgsql as $liminal$
declare
  old_value ${place.table}.${sql.id(from)}%type;
  new_value ${place.table}.${sql.id(to)}%type;
begin
  if tg_op = 'INSERT' then
    if ${newValue} is null then
      ${newValue} := ${forward(oldValue)};
      return NEW;
    end if;
  else
    -- Where one column alone changed, that one decides; where both did, the new one does.
    if tg_argv[0] = 'update_1' and record_image_eq(row(${newValue}), row(OLD.${sql.id(to)}))
      and not record_image_eq(row(${oldValue}), row(OLD.${sql.id(from)})) then
      return NEW;
    end if;
    if tg_argv[0] = 'update_2' and not record_image_eq(row(${newValue}), row(OLD.${sql.id(to)})) then
      return NEW;
    end if;
    if tg_argv[0] = 'update_3' and record_image_eq(row(${newValue}), row(OLD.${sql.id(to)}))
      and record_image_eq(row(${oldValue}), row(OLD.${sql.id(from)})) then
      return NEW;
    end if;
  end if;
  old_value := ${backward(newValue)};
  if record_image_eq(row(${oldValue}), row(old_value)) then
    return NEW;
  end if;
  new_value := ${forward(oldValue)};
  if record_image_eq(row(${newValue}), row(new_value)) then
    return NEW;
  end if;
  if tg_argv[0] = 'update_2'
    or tg_argv[0] = 'update_3' and record_image_eq(row(${newValue}), row(OLD.${sql.id(to)})) then
    ${newValue} := new_value;
  else
    ${oldValue} := old_value;
  end if;
  return NEW;
end
$liminal$`.execute(db);
}

async function requireInStep(db: Kysely<any>, expansion: ColumnExpansion): Promise<void> {
  const { table, from, to, forward = sameValue, backward = sameValue } = expansion;
  const { rows: types } = await sql<{ name: string; type: string }>`
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = to_regclass(${sql.table(table).compile(db).sql}) and not attisdropped`.execute(db);
  const as = (value: RawBuilder<unknown>, column: string): RawBuilder<unknown> =>
    sql`cast(${value} as ${sql.raw(types.find(({ name }) => name === column)?.type ?? 'text')})`;
  const { rows } = await sql`select 1 as one from ${sql.table(table)}
    where not record_image_eq(row(${sql.id(from)}), row(${as(backward(sql.id(to)), from)}))
      and not record_image_eq(row(${sql.id(to)}), row(${as(forward(sql.id(from)), to)})) limit 1`.execute(db);
  if (rows.length > 0) throw new ColumnsOutOfStepError({ table, from, to });
}

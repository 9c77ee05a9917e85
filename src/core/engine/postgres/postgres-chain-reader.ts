/** Lets one statement of Postgres lock chains of rows and read the last row of each. */
import { sql, type Kysely } from 'kysely';
import type { ChainColumns } from '../chain-columns.ts';
import { schemaOf } from './postgres-append-only.ts';

/**
 * Makes the function. Each statement in it sees what is committed when it begins, at `read committed`: so it reads the
 * rows behind its locks, which a SELECT that locks and reads at once does not. Above that level it would read the
 * snapshot of the transaction, and has only to say so.
 */
export async function createPostgresChainReader(
  db: Kysely<any>,
  name: string,
  { table, chain, place, link }: ChainColumns,
): Promise<void> {
  const schema = await schemaOf(db, table);
  const columns = [chain, place, link];
  await sql`create function ${sql.id(schema, name)}(liminal_keys bigint[], liminal_chains text[])
    returns table (${sql.id(chain)} text, ${sql.id(place)} bigint, ${sql.id(link)} text)
    language plpgsql volatile as $liminal$
declare
  liminal_key bigint;
  liminal_chain text;
begin
  foreach liminal_key in array liminal_keys loop
    perform pg_advisory_xact_lock(liminal_key);
  end loop;
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    return next;
    return;
  end if;
  foreach liminal_chain in array liminal_chains loop
    return query select ${sql.join(columns.map((column) => sql`l.${sql.id(column)}`))}
      from ${sql.id(schema, table)} l where l.${sql.id(chain)} = liminal_chain
      order by l.${sql.id(place)} desc limit 1;
  end loop;
end $liminal$`.execute(db);
}

/** Drops the function. */
export async function dropPostgresChainReader(db: Kysely<any>, name: string, table: string): Promise<void> {
  await sql`drop function ${sql.id(await schemaOf(db, table), name)}(bigint[], text[])`.execute(db);
}

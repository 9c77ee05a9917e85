/** Looks for what is broken in a SQLite database. */
import { sql, type Kysely } from 'kysely';
import { QueryError } from '../../foundation/errors/statement-errors.ts';
import { writeName } from './sqlite-schema-tokens.ts';

/** How many lines the check of foreign keys gives at most. */
const mostOrphans = 100;

interface Orphans {
  readonly child: string;
  readonly parent: string;
  readonly columns: string | null;
  readonly count: number;
  /** Null where the table is WITHOUT ROWID. */
  readonly first: number | null;
}

/**
 * Runs `integrity_check`, which reads the whole file and its CHECKs, and `foreign_key_check`.
 *
 * @param db a root handle, a pinned one or a transaction
 * @returns a sentence for each fault, at most 100 of each check; none where all is well
 */
export async function findSqliteFaults(db: Kysely<any>): Promise<readonly string[]> {
  return [...(await findDamage(db)), ...(await findOrphans(db))];
}

async function findDamage(db: Kysely<any>): Promise<string[]> {
  // It ends by itself behind 100 lines; a number that is given to the function would be taken for a table.
  const { rows } = await sql<{
    line: string;
  }>`select integrity_check as line from pragma_integrity_check`.execute(db);
  return rows.flatMap(describeDamage);
}

function describeDamage({ line }: { readonly line: string }): readonly string[] {
  return line === 'ok'
    ? []
    : [`The integrity check found: ${line}. Mend the rows, or restore the file from a backup.`];
}

/**
 * Runs `quick_check`, which reads the file without holding the indexes against their tables, and `foreign_key_check`.
 *
 * @returns as `findSqliteFaults`
 */
export async function findSqliteFaultsQuickly(db: Kysely<any>): Promise<readonly string[]> {
  const { rows } = await sql<{ line: string }>`select quick_check as line from pragma_quick_check`.execute(
    db,
  );
  return [...rows.flatMap(describeDamage), ...(await findOrphans(db))];
}

async function findOrphans(db: Kysely<any>): Promise<string[]> {
  try {
    const { rows } = await sql<Orphans>`
      select broken."table" as child, broken.parent, count(*) as count, min(broken.rowid) as first,
        (select group_concat("from", ', ') from pragma_foreign_key_list(broken."table") where id = broken.fkid)
          as columns
      from pragma_foreign_key_check as broken
      group by broken."table", broken.parent, broken.fkid
      order by 1, 2, broken.fkid limit ${sql.lit(mostOrphans)}
    `.execute(db);
    return rows.map(describeOrphans);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return [
      `The foreign keys cannot be checked: ${error.message} Give the parent of each foreign key a primary key or a unique constraint over the columns that are referred to.`,
    ];
  }
}

function describeOrphans({ child, parent, columns, count, first }: Orphans): string {
  const rows = count === 1 ? '1 row refers' : `${count} rows refer`;
  const where = first === null ? '' : `, ${count === 1 ? 'its' : 'the first'} rowid is ${first}`;
  return `Table ${writeName(child)}: ${rows} by (${columns ?? ''}) to a row of ${writeName(parent)} that is not there${where}. Bring the missing rows back, or delete or mend those that refer to them.`;
}

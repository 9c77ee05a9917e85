import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Issue } from '../../foundation/issue.ts';
import { refuse } from '../check-portable-table.ts';
import type { ColumnCopy } from './sqlite-rebuild-copy.ts';

interface Pair {
  readonly target: string;
  readonly source: string;
}

/**
 * Compares a table with its copy: the number of rows, and every value that was copied as it was, row by row. What an
 * expression made is not compared.
 *
 * @param db the transaction
 * @param old name of the table
 * @param fresh name of its copy
 * @param copies what was copied into which column
 * @throws ValidationError that names the columns whose values did not arrive as they were
 */
export async function compareContent(
  db: Kysely<any>,
  old: string,
  fresh: string,
  copies: readonly ColumnCopy[],
): Promise<void> {
  const issues: Issue[] = [];
  const { rows } = await sql<{ before: number; after: number }>`
    select (select count(*) from ${sql.id(old)}) as before,
      (select count(*) from ${sql.id(fresh)}) as after`.execute(db);
  const [counts] = rows;
  if (counts === undefined || counts.before !== counts.after) {
    issues.push({ path: [], message: `its copy has ${counts?.after} rows instead of ${counts?.before}` });
  }
  const pairs = copies.flatMap(({ target, source }) =>
    typeof source === 'string' ? [{ target, source }] : [],
  );
  if (pairs.length > 0 && (await findDifference(db, old, fresh, pairs))) {
    issues.push(...(await nameDifferences(db, old, fresh, pairs)));
  }
  refuse(`table "${old}"`, issues);
}

async function nameDifferences(
  db: Kysely<any>,
  old: string,
  fresh: string,
  pairs: readonly Pair[],
): Promise<Issue[]> {
  const issues: Issue[] = [];
  const message =
    'its values would not arrive as they were: say in `from` by which expression they are to be changed';
  for (const pair of pairs) {
    if (await findDifference(db, old, fresh, [pair])) issues.push({ path: [pair.target], message });
  }
  return issues.length > 0 ? issues : [{ path: [], message: 'its rows did not arrive as they were' }];
}

async function findDifference(
  db: Kysely<any>,
  old: string,
  fresh: string,
  pairs: readonly Pair[],
): Promise<boolean> {
  const before = tally(
    old,
    pairs.map(({ source }) => source),
  );
  const after = tally(
    fresh,
    pairs.map(({ target }) => target),
  );
  const { rows } = await sql<{ differs: number }>`
    select exists (${before} except ${after}) or exists (${after} except ${before}) as differs`.execute(db);
  return rows[0]?.differs !== 0;
}

// Equal rows are counted, since EXCEPT knows sets. By bytes, whatever collation a column has.
function tally(table: string, columns: readonly string[]): RawBuilder<unknown> {
  const values = columns.map((column) => sql`${sql.id(column)} collate binary`);
  const places = columns.map((_, place) => sql.lit(place + 1));
  return sql`select ${sql.join(values)}, count(*) from ${sql.id(table)} group by ${sql.join(places)}`;
}

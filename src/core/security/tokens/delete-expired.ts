import { sql } from 'kysely';
import type { TokenProvider } from './token-provider.ts';
import { tokenTablesOf } from './token-tables.ts';

/** How many rows one statement deletes at most, so that no lock is held for long. */
const portion = 1_000;

/** Rows stay for so long behind their time, in ms: the clocks of other processes may be behind. */
const margin = 120_000;

/**
 * Deletes the rows of a table whose time is over, in portions. Refresh tokens that were used stay as long as their
 * session: by them it is seen that one is used twice.
 *
 * @returns how many
 */
export async function deleteExpired(
  provider: TokenProvider,
  table: 'token_families' | 'refresh_tokens' | 'token_revocations',
  key: 'id' | 'hash' | 'seq',
  now: number,
): Promise<number> {
  const tables = tokenTablesOf(provider.db);
  const before = now - margin;
  const unused = table === 'refresh_tokens' ? sql`and used_at is null` : sql``;
  for (let deleted = 0; ;) {
    const { numAffectedRows: count = 0n } = await sql`
      delete from ${sql.table(table)} where ${sql.ref(key)} in (
        select ${sql.ref(key)} from ${sql.table(table)} where expires_at < ${before} ${unused}
        order by expires_at limit ${sql.lit(portion)}
      )`.execute(tables);
    deleted += Number(count);
    if (count < BigInt(portion)) return deleted;
  }
}

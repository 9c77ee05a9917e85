import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { TokenProvider } from './token-provider.ts';
import { tokenTablesOf, type TokenTables } from './token-tables.ts';

/** How many rows one statement deletes at most, so that no lock is held for long. */
const portion = 1_000;

/** How many sessions are looked at together. Their tokens go first, and a session may have thousands. */
const sessionsAtOnce = 100;

/** Rows stay for so long behind their time, in ms: the clocks of other processes may be behind. */
const margin = 120_000;

/**
 * Deletes the rows of a table whose time is over, in portions. Refresh tokens that were used stay as long as their
 * session: by them it is seen that one is used twice. What another process deletes at the moment is left to it: those
 * who waited for each other's rows would wait for ever.
 *
 * @returns how many
 */
export async function deleteExpired(
  provider: TokenProvider,
  table: 'refresh_tokens' | 'token_revocations',
  key: 'hash' | 'seq',
  now: number,
): Promise<number> {
  const unused = table === 'refresh_tokens' ? sql`and used_at is null` : sql``;
  const tables = tokenTablesOf(provider.db);
  for (let deleted = 0; ;) {
    const rows = sql`
      select ${sql.ref(key)} from ${sql.table(table)} where expires_at < ${now - margin} ${unused}
      order by expires_at limit ${sql.lit(portion)} ${provider.sql.lockSkippingLocked(table)}`;
    const count = await deleteRows(tables, table, key, rows);
    deleted += count;
    if (count < portion) return deleted;
  }
}

/**
 * Deletes the sessions whose time is over, and before them their refresh tokens, in portions: a session that is deleted
 * takes its tokens with it, all in one statement.
 *
 * @returns how many sessions
 */
export async function deleteExpiredSessions(provider: TokenProvider, now: number): Promise<number> {
  const tables = tokenTablesOf(provider.db);
  const lock = (table: string) => provider.sql.lockSkippingLocked(table);
  const sessions = sql`
    select id from token_families where expires_at < ${now - margin}
    order by expires_at, id limit ${sql.lit(sessionsAtOnce)}`;
  const tokens = sql`
    select hash from refresh_tokens where family_id in (${sessions}) limit ${sql.lit(portion)}
    ${lock('refresh_tokens')}`;
  const free = sql`${sessions} ${lock('token_families')}`;
  for (let deleted = 0; ;) {
    while ((await deleteRows(tables, 'refresh_tokens', 'hash', tokens)) === portion);
    const count = await deleteRows(tables, 'token_families', 'id', free);
    deleted += count;
    if (count < sessionsAtOnce) return deleted;
  }
}

async function deleteRows(
  tables: Kysely<TokenTables>,
  table: keyof TokenTables,
  key: string,
  rows: RawBuilder<unknown>,
): Promise<number> {
  const { numAffectedRows = 0n } =
    await sql`delete from ${sql.table(table)} where ${sql.ref(key)} in (${rows})`.execute(tables);
  return Number(numAffectedRows);
}

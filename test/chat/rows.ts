/** Rows that the chat's tables take as they are, for tests that then spoil one of their columns. */
import { sql, type Kysely } from 'kysely';
import { migrateChatTables } from '../../scripts/chat-tables.ts';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../src/core/index.ts';
import { createUuidSource } from '../../src/core/domain/index.ts';

const id = createUuidSource();

/** Opens a database and brings up every table of the chat store. */
export async function openMigrated(url: string): Promise<DatabaseProvider<ChatDatabase>> {
  const provider = DatabaseProviderFactory.createProvider<ChatDatabase>(url);
  await migrateChatTables(provider);
  return provider;
}

/** A row a table, each referring to those before it; every call gives others. */
export function makeRows() {
  const users = {
    id: id(),
    email: `${id()}@example.com`,
    email_verified_at: null,
    display_name: null,
    version: 1,
    created_at: 0,
    updated_at: 0,
  };
  const context_threads = {
    id: id(),
    owner_id: users.id,
    source_id: null,
    title: null,
    metadata: null,
    next_seq: 1,
    version: 1,
    created_at: 0,
    updated_at: 0,
  };
  return {
    users,
    oauth_identities: {
      id: id(),
      user_id: users.id,
      provider: 'google',
      provider_user_id: id(),
      email: null,
      sealed_refresh_token: null,
      created_at: 0,
      last_used_at: null,
      version: 1,
    },
    api_keys: {
      id: id(),
      user_id: users.id,
      provider: 'openai',
      label: null,
      sealed_key: null,
      created_at: 0,
      last_used_at: null,
      revoked_at: null,
      version: 1,
    },
    user_preferences: { user_id: users.id, name: 'theme', value: '"dark"', updated_at: 0, version: 1 },
    context_threads,
    messages: {
      id: id(),
      thread_id: context_threads.id,
      seq: 1,
      role: 'user',
      content: 'Hello',
      status: 'complete',
      metadata: null,
      version: 1,
      created_at: 0,
    },
    health_checks: {
      id: id(),
      check_type: 'database',
      status: 'healthy',
      message: null,
      checked_at: 0,
      duration_ms: null,
    },
  };
}

export type TableName = keyof ReturnType<typeof makeRows>;
export const tableNames = Object.keys(makeRows()) as TableName[];

/** Inserts whatever it is given, past the types. */
export async function insertRow(db: Kysely<ChatDatabase>, table: TableName, row: object): Promise<void> {
  await db.withTables<Record<string, Record<string, unknown>>>().insertInto(table).values(row).execute();
}

/** Inserts a row into every table, and the search row of the message. */
export async function insertAll(db: Kysely<ChatDatabase>): Promise<ReturnType<typeof makeRows>> {
  const rows = makeRows();
  for (const table of tableNames) await insertRow(db, table, rows[table]);
  await insertSearchRow(db, rows.messages.id, ' ahello ', 1);
  return rows;
}

export async function insertSearchRow(
  db: Kysely<ChatDatabase>,
  message: string,
  tokens: string,
  count: number,
): Promise<void> {
  await sql`insert into message_search (message_id, tokens, token_count) values (${message}, ${tokens}, ${count})`.execute(
    db,
  );
}

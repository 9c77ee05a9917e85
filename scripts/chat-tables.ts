/** The interfaces of the chat's tables, as kysely-codegen reads them from a migrated database. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { generate, PostgresDialect, SqliteDialect, type GeneratorDialect } from 'kysely-codegen';
import type { ChatDatabase } from '../src/chat/chat-database.ts';
import { Migrator, type MigrationSet } from '../src/core/migrate/index.ts';
import type { DatabaseProvider } from '../src/core/index.ts';
import { chatMigrations } from '../migrations/chat/index.ts';
import { healthMigrations } from '../migrations/health/index.ts';
import { projectRoot } from './run-command.ts';
import { parseInterfaces, type TableInterface } from './table-interfaces.ts';

export const chatTablesFile = join(projectRoot, 'src', 'chat', 'chat-database.ts');

export async function readChatTables(): Promise<string> {
  return readFile(chatTablesFile, 'utf8');
}

/** Brings up every table of the chat store. */
export async function migrateChatTables(provider: DatabaseProvider<ChatDatabase>): Promise<void> {
  const sets: readonly MigrationSet[] = [chatMigrations, healthMigrations];
  for (const set of sets) await new Migrator(provider, set).latest();
}

const dialects: Readonly<Record<string, () => GeneratorDialect>> = {
  sqlite: () => new SqliteDialect(),
  postgres: () => new PostgresDialect(),
};

/**
 * Reads the interfaces from a database.
 *
 * @param provider what both migration sets have run on; its `type` picks the reader
 * @returns the interfaces, without comments
 */
export async function generateChatTables(provider: {
  readonly type: string;
  readonly db: Kysely<ChatDatabase>;
}): Promise<TableInterface[]> {
  const dialect = dialects[provider.type]?.();
  if (dialect === undefined) throw new Error(`kysely-codegen is not set up for ${provider.type}.`);
  const source = await generate({
    db: provider.db,
    dialect,
    // The engines' codecs give checked numbers and JSON text, whatever the column is called.
    typeMapping: { int8: 'number', uuid: 'string', jsonb: 'string' },
    // Search tables differ by design, and the histories belong to the Migrator.
    excludePattern: '*_{search,migration}*',
    outFile: null,
  });
  return parseInterfaces(source).map(({ name, comment, members }) => {
    if (name !== 'DB') return { name: `${name}Table`, comment, members };
    const tables = members.map((member) => ({ ...member, type: `${member.type}Table` }));
    return { name: 'ChatDatabase', comment, members: tables };
  });
}

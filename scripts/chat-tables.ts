/** The interfaces of the chat's tables, as kysely-codegen reads them from a migrated database. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTableTypes, type TypedDatabase } from '../src/cli/types/read-table-types.ts';
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

/**
 * Reads the interfaces from a database.
 *
 * @param provider what both migration sets have run on; its `type` picks the reader
 * @returns the interfaces, without comments
 */
export async function generateChatTables(provider: TypedDatabase<ChatDatabase>): Promise<TableInterface[]> {
  // The search table differs by design.
  const source = await readTableTypes(provider, (table) => table.endsWith('_search'));
  return parseInterfaces(source).map(({ name, comment, members }) => {
    if (name !== 'DB') return { name: `${name}Table`, comment, members };
    const tables = members.map((member) => ({ ...member, type: `${member.type}Table` }));
    return { name: 'ChatDatabase', comment, members: tables };
  });
}

/**
 * Rewrites the types of src/chat/chat-database.ts from a freshly migrated database. Comments and order stay
 * as they were written by hand.
 */
import { writeFile } from 'node:fs/promises';
import { DatabaseProviderFactory } from '../src/core/index.ts';
import type { ChatDatabase } from '../src/chat/chat-database.ts';
import { chatTablesFile, generateChatTables, migrateChatTables, readChatTables } from './chat-tables.ts';
import { carryOver, headingOf, parseInterfaces, renderInterfaces } from './table-interfaces.ts';

await using provider = DatabaseProviderFactory.createProvider<ChatDatabase>('sqlite::memory:');
await migrateChatTables(provider);
const generated = await generateChatTables(provider);
const before = await readChatTables();
const after = renderInterfaces(headingOf(before), carryOver(generated, parseInterfaces(before)));
if (after === before) {
  console.log(`${chatTablesFile} is up to date.`);
} else {
  await writeFile(chatTablesFile, after);
  console.log(`${chatTablesFile} is rewritten; describe what is new in it.`);
}

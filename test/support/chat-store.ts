import { openChatStore, type ChatStore, type ChatStoreOptions } from '../../src/chat/index.ts';
import type { TestDatabase } from './database.ts';

/** A database that has the tables of the chat, unless it lies in memory: opening a store there finds nothing to do. */
export function chatUrl(database: TestDatabase, audit?: ChatStoreOptions['audit']): Promise<string> {
  return database.copyUrl(audit === undefined ? 'chat' : 'audited chat', async (url) => {
    const options = { database: { url } };
    const store = await openChatStore(audit === undefined ? options : { ...options, audit });
    await store.close();
  });
}

/** Opens stores on fresh databases and closes them after each test. */
export function useChatStores(
  database: TestDatabase,
  options: Omit<ChatStoreOptions, 'database'> = {},
): (settings?: object) => Promise<ChatStore> {
  const opened: ChatStore[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));
  return async (settings = {}) => {
    const url = await chatUrl(database, options.audit);
    const store = await openChatStore({ ...options, database: { url, ...settings } });
    opened.push(store);
    return store;
  };
}

import { openChatStore, type ChatStore, type ChatStoreOptions } from '../../src/chat/index.ts';
import type { TestDatabase } from './database.ts';

/** Opens stores on fresh databases and closes them after each test. */
export function useChatStores(
  database: TestDatabase,
  options: Omit<ChatStoreOptions, 'database'> = {},
): (settings?: object) => Promise<ChatStore> {
  const opened: ChatStore[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));
  return async (settings = {}) => {
    const url = await database.freshUrl();
    const store = await openChatStore({ ...options, database: { url, ...settings } });
    opened.push(store);
    return store;
  };
}

import { openChatStore, type ChatStore } from '../../src/chat/index.ts';
import type { TestDatabase } from './database.ts';

/** Opens stores on fresh databases and closes them after each test. */
export function useChatStores(database: TestDatabase): (settings?: object) => Promise<ChatStore> {
  const opened: ChatStore[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));
  return async (settings = {}) => {
    const store = await openChatStore({ database: { url: await database.freshUrl(), ...settings } });
    opened.push(store);
    return store;
  };
}

import * as accounts from './0001-accounts.ts';
import * as conversations from './0002-conversations.ts';
import * as messageSearch from './0003-message-search.ts';

/** The history of the chat's tables, in the order in which it runs. */
export const chatMigrations = {
  name: 'chat',
  migrations: [
    { name: '0001-accounts', up: accounts.up, down: accounts.down },
    { name: '0002-conversations', up: conversations.up, down: conversations.down },
    { name: '0003-message-search', up: messageSearch.up, down: messageSearch.down },
  ],
} as const;

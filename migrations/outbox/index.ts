import * as outbox from './0001-outbox.ts';
import * as inbox from './0002-inbox.ts';

/** The history of the outbox and the inbox, in the order in which it runs. */
export const outboxMigrations = {
  name: 'outbox',
  migrations: [
    { name: '0001-outbox', up: outbox.up, down: outbox.down },
    { name: '0002-inbox', up: inbox.up, down: inbox.down },
  ],
} as const;

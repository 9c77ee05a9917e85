/** What must not compile when a provider or the chat store is used. Checked by `tsc`; it never runs. */
import {
  DatabaseProviderFactory,
  parseDatabaseConfig,
  type DatabaseConfig,
  type DatabaseProvider,
  type Engine,
} from '../../src/core/index.ts';
import { defineConfig } from '../../src/core/migrate/index.ts';
import { newId, type ValueOf } from '../../src/core/domain/index.ts';
import {
  type EmailAddress,
  PreferenceName,
  type ChatStore,
  type ThreadId,
  type UserId,
} from '../../src/chat/index.ts';

interface Tables {
  notes: { id: string; title: string; version: number };
}

declare const provider: DatabaseProvider<Tables>;
declare const store: ChatStore;
declare const threadId: ThreadId;
declare const userId: UserId;
declare const engine: Engine<'other', { readonly path: string }>;

export const wrong = {
  aTableThatThereIsNot: () =>
    // @ts-expect-error the tables are typed
    provider.db.selectFrom('note').selectAll().execute(),
  aColumnThatThereIsNot: () =>
    // @ts-expect-error the columns are typed
    provider.db.selectFrom('notes').select('titel').execute(),
  aTableInATransaction: () =>
    // @ts-expect-error the transaction is typed like the provider
    provider.transaction((tx) => tx.deleteFrom('note').execute()),
  anIsolationThatThereIsNot: () =>
    // @ts-expect-error isolation levels are a closed set
    provider.transaction((tx) => tx.deleteFrom('notes').execute(), { isolation: 'strict' }),
  aConfigThatChanges: (config: DatabaseConfig) => {
    // @ts-expect-error a configuration is frozen
    config.debug = true;
  },
  aNumberForAConfig: () =>
    // @ts-expect-error a configuration is a URL or an object
    DatabaseProviderFactory.createProvider(5),
  anIdOfAnotherKind: () =>
    // @ts-expect-error a user's id is no thread's id
    store.conversations.appendMessage(userId, { role: 'user', content: 'x' }),
  aPlainStringForAnId: () =>
    // @ts-expect-error an id is parsed first
    store.users.findById('018f0000-0000-7000-8000-000000000001'),
  aRoleThatThereIsNot: () =>
    // @ts-expect-error roles are a closed set
    store.conversations.appendMessage(threadId, { role: 'robot', content: 'x' }),
  aStatusThatThereIsNot: () =>
    // @ts-expect-error statuses are a closed set
    store.conversations.appendMessage(threadId, { role: 'user', content: 'x', status: 'done' }),
  theRootHandleForATransaction: () =>
    // @ts-expect-error all or none needs a transaction
    store.conversations.startThread({}, { on: store.provider.db }),
  aTextForAnAddress: (): ValueOf<typeof EmailAddress> =>
    // @ts-expect-error only `parse` makes one
    'a@example.org',
  aMigrationSetWithoutAName: () =>
    // @ts-expect-error a set has a name
    defineConfig({ migrations: [{ migrations: [] }] }),
};

export const right = {
  aKeyOfTwoColumns: () => store.preferences.getById({ user_id: userId, name: PreferenceName.parse('theme') }),
  aTypedTable: () => provider.db.selectFrom('notes').select(['id', 'title']).execute(),
  aRowOfOnesOwnType: () => provider.query<{ n: number }>('select 1 as n'),
  aParsedConfig: () => DatabaseProviderFactory.createProvider<Tables>(parseDatabaseConfig('sqlite::memory:')),
  anEngineOfOnesOwn: () => DatabaseProviderFactory.createProvider<Tables>('other:x', { engines: [engine] }),
  anIdOfItsKind: () => store.conversations.deleteThread(newId<ThreadId>()),
  aTransactionForOne: () =>
    store.provider.transaction((on) => store.conversations.startThread({ ownerId: userId }, { on })),
};

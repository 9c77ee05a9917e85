/** Everything that a chat's database holds, by whose it is, for the fuzz of the border between users. */
import {
  createOauthIdentity,
  createPreference,
  createUser,
  type ChatStore,
  type UserId,
} from '../../src/chat/index.ts';

/** The repositories of the chat, by their tables. */
export const tables = {
  users: 'users',
  oauthIdentities: 'oauth_identities',
  apiKeys: 'api_keys',
  preferences: 'user_preferences',
  threads: 'context_threads',
  messages: 'messages',
} as const;

export type RepositoryName = keyof typeof tables;
export const repositoryNames = Object.keys(tables) as RepositoryName[];

export type Fields = Readonly<Record<string, unknown>>;

/** A row, the entity that is made of it, and whose it is; undefined for nobody's. */
export interface Item {
  readonly row: Fields;
  readonly entity: Fields;
  readonly owner: unknown;
}

export interface World {
  readonly users: readonly UserId[];
  readonly items: Readonly<Record<RepositoryName, readonly Item[]>>;
  /** The rows of the search index, as text, by the owner of their message. */
  readonly searched: readonly { readonly owner: unknown; readonly text: string }[];
}

const now = 1_700_000_000_000;
const names = ['ann', 'ben', 'cleo'];

/** Deletes everything, and makes users who each have something behind every door; and a thread of nobody. */
export async function plantWorld(store: ChatStore): Promise<World> {
  await store.provider.db.deleteFrom('context_threads').execute();
  await store.provider.db.deleteFrom('users').execute();
  for (const name of names) {
    const user = await store.users.insert(createUser({ email: `${name}@example.org` }, { now }));
    const owned = { userId: user.id, provider: 'example' };
    for (const providerUserId of [name, `${name}-2`]) {
      const identity = createOauthIdentity({ ...owned, providerUserId }, { now });
      await store.oauthIdentities.insert(identity);
      await store.oauthIdentities.storeRefreshToken(identity.id, secretOf(user.id));
    }
    for (const other of ['theme', 'language']) {
      await store.apiKeys.store(user.id, other, secretOf(user.id), { label: name });
      await store.preferences.insert(
        createPreference({ userId: user.id, name: other, value: name }, { now }),
      );
    }
    await plantThread(store, user.id);
    await plantThread(store, user.id);
  }
  await plantThread(store, undefined);
  return readWorld(store);
}

/** What is sealed for a user says so. */
export function secretOf(user: unknown): string {
  return `the secret of ${String(user)}`;
}

async function plantThread({ conversations }: ChatStore, ownerId: UserId | undefined): Promise<void> {
  const thread = await conversations.startThread({ ownerId, title: 'a thread' });
  const contents = ['secret', String(ownerId)].map((content) => ({ role: 'user' as const, content }));
  await conversations.appendMessages(thread.id, contents);
}

/** Reads everything, past every border. */
export async function readWorld(store: ChatStore): Promise<World> {
  const threadOwners = new Map<unknown, unknown>();
  const messageOwners = new Map<unknown, unknown>();
  const items = {} as Record<RepositoryName, readonly Item[]>;
  for (const name of repositoryNames) {
    const rows: readonly Fields[] = await store.provider.db.selectFrom(tables[name]).selectAll().execute();
    items[name] = rows.map((row) => {
      const owner = {
        users: row['id'],
        oauthIdentities: row['user_id'],
        apiKeys: row['user_id'],
        preferences: row['user_id'],
        threads: row['owner_id'] ?? undefined,
        messages: threadOwners.get(row['thread_id']),
      }[name];
      if (name === 'threads') threadOwners.set(row['id'], owner);
      if (name === 'messages') messageOwners.set(row['id'], owner);
      return { row, owner, entity: store[name].toEntity(row) as unknown as Fields };
    });
  }
  const searched = await store.provider.db
    .withTables<{ message_search: { message_id: string } }>()
    .selectFrom('message_search')
    .selectAll()
    .execute();
  return {
    users: items.users.map(({ entity }) => entity['id'] as UserId),
    items,
    searched: searched.map((row) => ({
      owner: messageOwners.get(row.message_id),
      text: JSON.stringify(row),
    })),
  };
}

/** All rows that are not a user's, as one text to compare. */
export function rowsOfOthers({ items, searched }: World, user: UserId): string {
  const rows = repositoryNames.flatMap((name) =>
    items[name].map(({ row, owner }) => ({ owner, text: JSON.stringify([name, row]) })),
  );
  return [...rows, ...searched]
    .filter(({ owner }) => owner !== user)
    .map(({ text }) => text)
    .sort()
    .join('\n');
}

/** Whether every user has something behind each door, and not too much. */
export function isWorthAsking({ users, items }: World): boolean {
  return (
    users.length === names.length &&
    repositoryNames.every((name) =>
      users.every((user) => {
        const { length } = items[name].filter(({ owner }) => owner === user);
        return length > 0 && length < 20;
      }),
    )
  );
}

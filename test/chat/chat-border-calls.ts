/** A call of each door of a user's chat, most often for what is somebody else's. */
import type { Transaction } from 'kysely';
import { Secret } from '../../src/core/index.ts';
import { newId } from '../../src/core/domain/index.ts';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import type { Message, ScopedChat, ThreadId, UserId } from '../../src/chat/index.ts';
import {
  repositoryNames,
  secretOf,
  tables,
  type Fields,
  type Item,
  type RepositoryName,
  type World,
} from './chat-border-world.ts';

/** What a call came to, and what must be the caller's own in it. */
export type Outcome =
  | { readonly saw: readonly unknown[]; readonly of: RepositoryName }
  | { readonly told: unknown; readonly expected: unknown };

export interface Call {
  readonly chat: ScopedChat;
  readonly me: UserId;
  readonly world: World;
  /** The transaction that the call takes part in, if it does. */
  readonly on: Transaction<ChatDatabase> | undefined;
  /** Runs what needs a transaction: in that one, or in one of its own. */
  readonly transaction: <Result>(work: (on: Transaction<ChatDatabase>) => Promise<Result>) => Promise<Result>;
  readonly pick: <Value>(values: readonly Value[]) => Value;
}

type Make = (call: Call) => Promise<Outcome>;

const text = { role: 'user', content: 'a secret of mine' } as const;
const nothing: Outcome = { told: undefined, expected: undefined };

/** Some item, most often somebody else's. */
function someItem({ world, me, pick }: Call, name: RepositoryName): Item {
  const isAny = pick([true, false, false, false]);
  return pick(world.items[name].filter(({ owner }) => isAny || owner !== me));
}

function someUser({ world, me, pick }: Call): UserId {
  return pick(world.users.filter((user) => user !== me));
}

function ownItems({ world, me }: Call, name: RepositoryName): readonly Item[] {
  return world.items[name].filter(({ owner }) => owner === me);
}

const ownerColumns = {
  users: 'id',
  oauthIdentities: 'user_id',
  apiKeys: 'user_id',
  preferences: 'user_id',
  threads: 'owner_id',
  messages: 'thread_id',
} as const;

const ownerFields = {
  users: 'id',
  oauthIdentities: 'userId',
  apiKeys: 'userId',
  preferences: 'userId',
  threads: 'ownerId',
  messages: 'threadId',
} as const;

/** The constraints by which an upsert may decide; undefined means the key. */
const conflicts: Readonly<Record<RepositoryName, readonly (readonly string[] | undefined)[]>> = {
  users: [undefined, ['email']],
  // What is sealed is sealed for the columns that decide.
  oauthIdentities: [undefined],
  apiKeys: [['user_id', 'provider']],
  preferences: [undefined],
  threads: [undefined, ['source_id']],
  messages: [undefined, ['thread_id', 'seq']],
};

/** An entity as it is, or claimed by the caller, or given to somebody else, or to nobody. */
function variant(call: Call, name: RepositoryName): Fields {
  const { entity } = someItem(call, name);
  const ownThread = call.pick(ownItems(call, 'threads')).entity['id'];
  const foreignThread = someItem(call, 'threads').entity['id'];
  const [mine, foreign] = name === 'messages' ? [ownThread, foreignThread] : [call.me, someUser(call)];
  const owners: unknown[] = [entity[ownerFields[name]], mine, foreign];
  if (name === 'threads') owners.push(undefined);
  return { ...entity, [ownerFields[name]]: call.pick(owners) };
}

/** A variant that is not stored yet. */
function fresh(call: Call, name: RepositoryName): Fields {
  const id = newId();
  const short = id.slice(-12);
  const changes: Record<RepositoryName, Fields> = {
    users: { email: `${short}@example.org`, ...(call.pick([true, false]) && { id }) },
    oauthIdentities: { id, providerUserId: short },
    apiKeys: { id, provider: `p${short}` },
    preferences: { name: short },
    threads: { id, sourceId: undefined },
    messages: { id, seq: Number.parseInt(short.slice(-7), 16) },
  };
  return { ...variant(call, name), ...changes[name] };
}

function keyOf(name: RepositoryName, { row }: Item): unknown {
  return name === 'preferences' ? { user_id: row['user_id'], name: row['name'] } : row['id'];
}

/** A filter, and which rows it means. */
function someFilter(
  call: Call,
  name: RepositoryName,
): { readonly filter: object; readonly matches: (row: Fields) => boolean } {
  const column = ownerColumns[name];
  const owner = someItem(call, name).row[column] ?? someUser(call);
  const version = someItem(call, name).row['version'];
  return call.pick([
    { filter: {}, matches: () => true },
    { filter: { [column]: owner }, matches: (row: Fields) => row[column] === owner },
    {
      filter: { or: [{ [column]: owner }, { version }] },
      matches: (row: Fields) => row[column] === owner || row['version'] === version,
    },
  ]);
}

/** The methods of a repository, whatever its entities are. */
interface Door {
  findById(key: unknown, options: object): Promise<unknown>;
  getById(key: unknown, options: object): Promise<unknown>;
  findMany(filter: object, options: object): Promise<readonly unknown[]>;
  findFirst(filter: object, options: object): Promise<unknown>;
  page(
    filter: object,
    options: object,
  ): Promise<{ readonly items: readonly unknown[]; readonly nextCursor?: string }>;
  count(filter: object, options: object): Promise<number>;
  exists(filter: object, options: object): Promise<boolean>;
  stream(filter: object, options: object): AsyncIterable<unknown>;
  query(options: object): Query;
  toEntity(row: Fields): unknown;
  insert(entity: Fields, options: object): Promise<unknown>;
  insertMany(entities: readonly Fields[], options: object): Promise<number>;
  insertMissing(entities: readonly Fields[], options: object): Promise<readonly unknown[]>;
  update(entity: Fields, options: object): Promise<unknown>;
  delete(entity: Fields, options: object): Promise<void>;
  deleteById(key: unknown, options: object): Promise<boolean>;
  upsert(entity: Fields, options: object): Promise<unknown>;
}

interface Query {
  selectAll(table?: string): Query;
  clearWhere(): Query;
  innerJoin(table: string, on: (join: { onTrue(): object }) => object): Query;
  execute(): Promise<readonly Fields[]>;
}

async function collect(entities: AsyncIterable<unknown>): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  for await (const entity of entities) all.push(entity);
  return all;
}

function found(value: unknown): readonly unknown[] {
  return value === undefined ? [] : [value];
}

/** What every repository can be asked, for one of them. */
function repositoryCalls(of: RepositoryName): Readonly<Record<keyof Door, Make>> {
  const door = ({ chat }: Call) => chat[of] as unknown as Door;
  const matching = (call: Call, matches: (row: Fields) => boolean) =>
    ownItems(call, of).filter(({ row }) => matches(row)).length;
  /** Sees the rows of a filter, and tells how many there were. */
  const reading =
    (read: (call: Call, filter: object) => Promise<readonly unknown[]>): Make =>
    async (call) => {
      const { filter, matches } = someFilter(call, of);
      const saw = await read(call, filter);
      const expected = matching(call, matches);
      return saw.length === expected ? { saw, of } : { told: saw.length, expected };
    };
  return {
    findById: async (call) => ({
      saw: found(await door(call).findById(keyOf(of, someItem(call, of)), { on: call.on })),
      of,
    }),
    getById: async (call) => ({
      saw: [await door(call).getById(keyOf(of, someItem(call, of)), { on: call.on })],
      of,
    }),
    findMany: reading((call, filter) => door(call).findMany(filter, { on: call.on })),
    findFirst: async (call) => ({
      saw: found(await door(call).findFirst(someFilter(call, of).filter, { on: call.on })),
      of,
    }),
    page: reading(async (call, filter) => {
      const saw: unknown[] = [];
      let after: string | undefined;
      do {
        const page = await door(call).page(filter, { limit: 2, after, on: call.on });
        saw.push(...page.items);
        after = page.nextCursor;
      } while (after !== undefined);
      return saw;
    }),
    count: async (call) => {
      const { filter, matches } = someFilter(call, of);
      return { told: await door(call).count(filter, { on: call.on }), expected: matching(call, matches) };
    },
    exists: async (call) => {
      const { filter, matches } = someFilter(call, of);
      const expected = matching(call, matches) > 0;
      return { told: await door(call).exists(filter, { on: call.on }), expected };
    },
    stream: reading((call, filter) => collect(door(call).stream(filter, { chunkSize: 2, on: call.on }))),
    query: async (call) => {
      const query = door(call).query({ on: call.on });
      const joined = call.pick(repositoryNames);
      const isJoined = call.pick([true, false]);
      const rows = await (
        isJoined
          ? query.innerJoin(`${tables[joined]} as others`, (join) => join.onTrue()).selectAll('others')
          : query.selectAll().clearWhere()
      ).execute();
      const kind = isJoined ? joined : of;
      const toEntity = (row: Fields) => (call.chat[kind] as unknown as Door).toEntity(row);
      return { saw: rows.map(toEntity), of: kind };
    },
    toEntity: (call) =>
      Promise.resolve({ saw: ownItems(call, of).map(({ row }) => door(call).toEntity(row)), of }),
    insert: async (call) => ({ saw: [await door(call).insert(fresh(call, of), { on: call.on })], of }),
    insertMany: async (call) => {
      const entities = [fresh(call, of), fresh(call, of)];
      await door(call).insertMany(entities, { on: call.on });
      return { saw: entities, of };
    },
    insertMissing: async (call) => {
      const entities = [call.pick([variant, fresh])(call, of), fresh(call, of)];
      const conflict = call.pick(conflicts[of]);
      return {
        saw: await door(call).insertMissing(entities, { on: call.on, ...(conflict && { conflict }) }),
        of,
      };
    },
    update: async (call) => ({ saw: [await door(call).update(variant(call, of), { on: call.on })], of }),
    delete: async (call) => {
      await door(call).delete(variant(call, of), { on: call.on });
      return nothing;
    },
    deleteById: async (call) => {
      const item = someItem(call, of);
      const told = await door(call).deleteById(keyOf(of, item), { on: call.on });
      return { told, expected: ownItems(call, of).includes(item) };
    },
    upsert: async (call) => {
      const entity = call.pick([variant, fresh])(call, of);
      const conflict = call.pick(conflicts[of]);
      const stored = await door(call).upsert(entity, { on: call.on, ...(conflict && { conflict }) });
      return { saw: [stored], of };
    },
  };
}

/** A provider of API keys that somebody has, and whose key is asked for. */
function somePlace(call: Call): readonly [user: UserId, provider: string] {
  const { row } = someItem(call, 'apiKeys');
  return [call.pick([row['user_id'] as UserId, call.me]), row['provider'] as string];
}

/** Whether what was sealed comes to its owner alone. */
function ownSecret({ me }: Call, secret: Secret): Outcome {
  return { told: secret.reveal(), expected: secretOf(me) };
}

const accountCalls: Readonly<Record<string, Make>> = {
  'users.findByEmail': async (call) => ({
    saw: found(
      await call.chat.users.findByEmail(String(someItem(call, 'users').row['email']), { on: call.on }),
    ),
    of: 'users',
  }),
  'oauthIdentities.findByProvider': async (call) => {
    const { row } = someItem(call, 'oauthIdentities');
    const identity = await call.chat.oauthIdentities.findByProvider(
      String(row['provider']),
      String(row['provider_user_id']),
      { on: call.on },
    );
    return { saw: found(identity), of: 'oauthIdentities' };
  },
  'oauthIdentities.markUsed': async (call) => {
    const { row } = someItem(call, 'oauthIdentities');
    const later = Number(row['last_used_at'] ?? 0) + 1;
    await call.chat.oauthIdentities.markUsed(row['id'] as never, later, { on: call.on });
    return nothing;
  },
  'oauthIdentities.storeRefreshToken': async (call) => {
    const { row } = someItem(call, 'oauthIdentities');
    await call.chat.oauthIdentities.storeRefreshToken(row['id'] as never, secretOf(call.me), { on: call.on });
    return nothing;
  },
  'oauthIdentities.revealRefreshToken': async (call) => {
    const { row } = someItem(call, 'oauthIdentities');
    const token = await call.chat.oauthIdentities.revealRefreshToken(row['id'] as never, { on: call.on });
    return ownSecret(call, token);
  },
  'oauthIdentities.forgetRefreshToken': async (call) => {
    const { row } = someItem(call, 'oauthIdentities');
    await call.chat.oauthIdentities.forgetRefreshToken(row['id'] as never, { on: call.on });
    return nothing;
  },
  'apiKeys.store': async (call) => {
    const [user, provider] = somePlace(call);
    const options = { label: 'taken', on: call.on };
    const stored = await call.chat.apiKeys.store(user, provider, new Secret(secretOf(call.me)), options);
    return { saw: [stored], of: 'apiKeys' };
  },
  'apiKeys.reveal': async (call) => {
    const [user, provider] = somePlace(call);
    return ownSecret(call, await call.chat.apiKeys.reveal(user, provider, { on: call.on }));
  },
  'apiKeys.list': async (call) => ({
    saw: await call.chat.apiKeys.list(somePlace(call)[0], { on: call.on }),
    of: 'apiKeys',
  }),
  'apiKeys.touch': async (call) => {
    await call.chat.apiKeys.touch(...somePlace(call), { on: call.on });
    return nothing;
  },
};

const conversationCalls: Readonly<Record<string, Make>> = {
  'threads.takePlaces': async (call) => {
    const { row } = someItem(call, 'threads');
    const later = Number(row['updated_at']) + 1;
    await call.transaction((on) => call.chat.threads.takePlaces(on, row['id'] as ThreadId, 1, later));
    return nothing;
  },
  'conversations.startThread': async (call) => {
    const ownerId = call.pick([undefined, call.me, someUser(call)]);
    const fields = call.pick([{ title: 'new' }, { ownerId }]);
    return { saw: [await call.chat.conversations.startThread(fields, { on: call.on })], of: 'threads' };
  },
  'conversations.appendMessage': async (call) => {
    const id = someItem(call, 'threads').row['id'] as ThreadId;
    return { saw: [await call.chat.conversations.appendMessage(id, text, { on: call.on })], of: 'messages' };
  },
  'conversations.appendMessages': async (call) => {
    const id = someItem(call, 'threads').row['id'] as ThreadId;
    const taken = { ...text, id: someItem(call, 'messages').row['id'] as Message['id'] };
    const messages = call.pick([[text, text], [taken]]);
    return {
      saw: await call.chat.conversations.appendMessages(id, messages, { on: call.on }),
      of: 'messages',
    };
  },
  'conversations.threadWithMessages': async (call) => {
    const id = someItem(call, 'threads').row['id'] as ThreadId;
    const { thread, messages } = await call.chat.conversations.threadWithMessages(id, { on: call.on });
    return call.pick([
      { saw: [thread], of: 'threads' },
      { saw: messages, of: 'messages' },
    ]);
  },
  'conversations.pageMessages': async (call) => {
    const id = someItem(call, 'threads').row['id'] as ThreadId;
    const range = call.pick([{}, { from: 0 }]);
    const { items } = await call.chat.conversations.pageMessages(id, { ...range, on: call.on });
    return { saw: items, of: 'messages' };
  },
  'conversations.pageThreads': async (call) => {
    const whose = call.pick([{}, { userId: someUser(call) }]);
    const { items } = await call.chat.conversations.pageThreads({ ...whose, on: call.on });
    return { saw: items, of: 'threads' };
  },
  'conversations.updateMessage': async (call) => {
    const message = variant(call, 'messages') as unknown as Message;
    const changed = await call.chat.conversations.updateMessage(
      message,
      { content: 'a secret' },
      { on: call.on },
    );
    return { saw: [changed], of: 'messages' };
  },
  'conversations.search': async (call) => {
    const whose = call.pick([{}, { userId: someUser(call) }]);
    const hits = await call.chat.conversations.search('secret', { ...whose, on: call.on });
    return { saw: hits.map(({ message }) => message), of: 'messages' };
  },
  'conversations.deleteThread': async (call) => {
    const { row, owner } = someItem(call, 'threads');
    const told = await call.chat.conversations.deleteThread(row['id'] as ThreadId, { on: call.on });
    return { told, expected: owner === call.me };
  },
  // It takes part in no transaction of a caller.
  'conversations.importThreads': async (call) => {
    const ownerId = call.pick([undefined, call.me, someUser(call)]);
    await call.chat.conversations.importThreads([{ sourceId: newId(), ownerId, messages: [text] }]);
    return nothing;
  },
};

/** A call of each door, by the names of what it belongs to and its own. */
export const calls: Readonly<Record<string, Make>> = {
  ...Object.fromEntries(
    repositoryNames.flatMap((name) =>
      Object.entries(repositoryCalls(name)).map(([method, make]) => [`${name}.${method}`, make] as const),
    ),
  ),
  ...accountCalls,
  ...conversationCalls,
};

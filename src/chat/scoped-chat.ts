import { RowScope, type Offered, type RowRules } from '../core/security/index.ts';
import type { Clock, TransactionalProvider } from '../core/index.ts';
import {
  conversationsOf,
  type ChatRepositories,
  type ChatRepositoryMakers,
  type ChatServices,
} from './chat-unit-of-work.ts';
import type { ChatDatabase } from './chat-database.ts';
import type { ImportedThread, ImportOptions, ImportReport } from './conversation/thread-import.ts';
import { UserId } from './ids.ts';

/**
 * The chat of one user: the repositories and the conversations, within what is theirs. What is somebody else's is as
 * if it were not there; threads of nobody are nobody's. Storing for somebody else is ForbiddenError.
 *
 * Constraints see everybody's rows: an id, an e-mail address or a `sourceId` that somebody else has is refused, or
 * passed over by an import, which tells that it is taken.
 */
export interface ScopedChat
  extends
    Readonly<{ [Name in keyof ChatRepositories]: Offered<ChatRepositories[Name]> }>,
    Readonly<{ conversations: Offered<ChatServices['conversations']> }> {}

/** Whose each row of the chat is. A table without a rule is closed. */
const rules: RowRules = {
  users: { column: 'id' },
  oauth_identities: { column: 'user_id' },
  api_keys: { column: 'user_id' },
  user_preferences: { column: 'user_id' },
  context_threads: { column: 'owner_id' },
  messages: { column: 'thread_id', parent: 'context_threads' },
  message_search: { column: 'message_id', parent: 'messages' },
};

/** Makes the chat of one user. */
export function scopedChat(
  provider: TransactionalProvider<ChatDatabase>,
  makers: ChatRepositoryMakers,
  id: UserId,
  clock: Clock,
): ScopedChat {
  const userId = UserId.parse(id);
  const scope = new RowScope({ rules, actor: userId });
  const confined = scope.provider(provider);
  const repositories: ChatRepositories = {
    users: makers.users(confined),
    oauthIdentities: makers.oauthIdentities(confined),
    apiKeys: makers.apiKeys(confined),
    preferences: makers.preferences(confined),
    threads: makers.threads(confined),
    messages: makers.messages(confined),
  };
  const conversations = scope.offer(conversationsOf(confined, repositories, clock));
  return Object.freeze({
    users: scope.offer(repositories.users),
    oauthIdentities: scope.offer(repositories.oauthIdentities),
    apiKeys: scope.offer(repositories.apiKeys),
    preferences: scope.offer(repositories.preferences),
    threads: scope.offer(repositories.threads),
    messages: scope.offer(repositories.messages),
    conversations: Object.freeze({
      ...conversations,
      // Whoever leaves the owner out means themselves.
      startThread: (...[fields, options]: Parameters<typeof conversations.startThread>) =>
        conversations.startThread({ ...fields, ownerId: fields?.ownerId ?? userId }, options),
      importThreads: (threads, options?: ImportOptions): Promise<ImportReport> =>
        conversations.importThreads(ownedBy(userId, threads), options),
    } satisfies Offered<ChatServices['conversations']>),
  });
}

// By the source: an import knows one that was read already by the object that it is handed.
const owned = new WeakMap<object, AsyncIterable<ImportedThread>>();

function ownedBy(
  ownerId: UserId,
  threads: AsyncIterable<ImportedThread> | Iterable<ImportedThread>,
): AsyncIterable<ImportedThread> {
  if (!('next' in threads)) return withOwner(ownerId, threads);
  const known = owned.get(threads) ?? withOwner(ownerId, threads);
  owned.set(threads, known);
  return known;
}

async function* withOwner(
  ownerId: UserId,
  threads: AsyncIterable<ImportedThread> | Iterable<ImportedThread>,
): AsyncGenerator<ImportedThread, void, undefined> {
  for await (const thread of threads) yield { ...thread, ownerId: thread.ownerId ?? ownerId };
}

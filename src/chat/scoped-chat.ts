import { RowScope, type Offered, type RowRules } from '../core/security/index.ts';
import { currentActor, runAs, type TransactionalProvider } from '../core/index.ts';
import {
  conversationsOf,
  repositoriesOf,
  type ChatRepositoryMakers,
  type ChatServices,
  type ServiceSettings,
} from './chat-unit-of-work.ts';
import type { ChatDatabase } from './chat-database.ts';
import type { ChatRepositories } from './chat-repositories.ts';
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
  settings: ServiceSettings,
): ScopedChat {
  const userId = UserId.parse(id);
  const scope = new RowScope({ rules, actor: userId });
  const confined = scope.provider(provider);
  const repositories = repositoriesOf(confined, makers);
  // The trail is to name somebody, also where the application has not said who acts.
  const offer = <Inner extends object>(inner: Inner): Offered<Inner> =>
    settings.audit === undefined ? scope.offer(inner) : actingFor(userId, scope.offer(inner));
  const conversations = offer(conversationsOf(confined, repositories, settings));
  return Object.freeze({
    users: offer(repositories.users),
    oauthIdentities: offer(repositories.oauthIdentities),
    apiKeys: offer(repositories.apiKeys),
    preferences: offer(repositories.preferences),
    threads: offer(repositories.threads),
    messages: offer(repositories.messages),
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

/** The same methods, which run on behalf of a user where nobody else is known to act. */
function actingFor<Methods extends object>(id: UserId, methods: Methods): Methods {
  const acting: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(methods) as [string, (...args: unknown[]) => unknown][]) {
    acting[name] = (...args: unknown[]) =>
      runAs(currentActor() ?? { type: 'user', id }, () => method(...args));
  }
  return Object.freeze(acting) as Methods;
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

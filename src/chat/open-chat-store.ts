import { chatMigrations } from '../../migrations/chat/index.ts';
import {
  DatabaseProviderFactory,
  sagaMigrations,
  silentLogger,
  systemClock,
  type Clock,
  type DatabaseConfigInput,
  type DatabaseProvider,
  type ProviderOptions,
} from '../core/index.ts';
import { AuditLog, auditMigrations, type AuditLogOptions } from '../core/audit/index.ts';
import type { RepositoryCache } from '../core/cache/index.ts';
import {
  createHealth,
  createHealthHistory,
  healthMigrations,
  type Health,
  type HealthHistory,
  type HealthOptions,
} from '../core/health/index.ts';
import { Migrator, guardSchema, type MigrationSet } from '../core/migrate/index.ts';
import type { KeyRing } from '../core/security/index.ts';
import { ChatAudit } from './chat-audit.ts';
import type { ChatCache, ChatCacheOptions } from './chat-cache.ts';
import type { ChatDatabase } from './chat-database.ts';
import type { ChatRepositories } from './chat-repositories.ts';
import {
  accountsOf,
  chatRepositories,
  chatUnitOfWork,
  conversationsOf,
  repositoriesOf,
  type ChatServices,
  type ChatUnitOfWork,
} from './chat-unit-of-work.ts';
import type { UserId } from './ids.ts';
import { ReplyService, type ReplyOptions } from './reply/reply-service.ts';
import { scopedChat, type ScopedChat } from './scoped-chat.ts';

/** Where the chat store lies, and how it opens. */
export interface ChatStoreOptions extends Pick<
  ProviderOptions<ChatDatabase>,
  | 'engines'
  | 'plugins'
  | 'logger'
  | 'onPoolEvent'
  | 'onStatement'
  | 'metrics'
  | 'telemetry'
  | 'loggableColumns'
  | 'explainSlowQueries'
  | 'warnOfNPlusOne'
  | 'clock'
> {
  /** A URL, an object, or what `parseDatabaseConfig` or `databaseConfigFromEnv` returned. */
  readonly database: DatabaseConfigInput;
  /** Whether the tables are brought up to date first. True by default; where false, nothing is opened yet. */
  readonly migrate?: boolean;
  /**
   * The keys by which API keys and refresh tokens are encrypted, such as `KeyRing.fromEnv()`. Without them everything
   * else works, and storing or revealing one is a ConfigurationError.
   */
  readonly encryption?: KeyRing | undefined;
  /**
   * Records who did what, in the transaction of what was done; see `docs/audit.md`. Nothing is recorded by default. The
   * keys may be those of `encryption`.
   */
  readonly audit?: AuditLogOptions | undefined;
  /** Budgets, time limits and checks of the application's own for `health`. */
  readonly health?:
    Pick<HealthOptions, 'budgets' | 'checks' | 'maxAge' | 'schemaMaxAge' | 'timeout'> | undefined;
  /**
   * Keeps users, threads and messages that were read, for as long as they are what the database holds; see `docs/cache.md`.
   * Nothing is kept by default. Where other processes write to the database it needs a `bus`.
   */
  readonly cache?: ChatCacheOptions | undefined;
}

/** A chat application's data: repositories for its entities, and the services that keep its promises. */
export interface ChatStore extends ChatRepositories, ChatServices, AsyncDisposable {
  /** The database below, with the typed Kysely as `provider.db`. */
  readonly provider: DatabaseProvider<ChatDatabase>;
  /**
   * Work of several calls that holds together: `run` hands out the repositories and both services, bound to one
   * transaction. The ones of the store itself are refused in it.
   */
  readonly unitOfWork: ChatUnitOfWork;
  /**
   * Opens the replies of a model, and takes up those that a process which is gone has left. Open one a process.
   *
   * @param options the model, and how it is asked
   * @returns the service, which `close` of the store closes as well
   * @throws ValidationError with the faults of the options
   * @example
   * const replies = store.replies({ model: ({ messages, signal }) => askModel(messages, signal) });
   * const answer = await replies.reply(thread.id, { content: 'Where shall we go?' });
   */
  replies(options: ReplyOptions): ReplyService;
  /**
   * The chat of one user, for whoever answers that user: nothing of it reads or changes what is somebody else's.
   *
   * @param userId whose; it is not looked up, and nobody's id has no rows
   * @returns the repositories and the conversations; make one a request, it holds nothing
   * @throws ValidationError where the id is none
   * @example
   * const mine = store.scopedTo(user.id);
   * const thread = await mine.conversations.startThread({ title: 'Lunch' });
   */
  scopedTo(userId: UserId): ScopedChat;
  /** The audit trail; undefined where the store was opened without `audit`. */
  readonly audit: AuditLog | undefined;
  /** Whether the store can do its work, with its schema; see `docs/health.md`. */
  readonly health: Health;
  /** What its checks came to, in the table `health_checks`. */
  readonly healthHistory: HealthHistory;
  /** What was read; undefined where the store was opened without `cache`. */
  readonly cache: RepositoryCache | undefined;
  /** Closes the replies, the cache, then the database; see `DatabaseProvider.close`. */
  readonly close: DatabaseProvider<ChatDatabase>['close'];
}

/** A store that records what is done. */
export interface AuditedChatStore extends ChatStore {
  /** The audit trail: reading it, proving it, and keeping it as the law asks. */
  readonly audit: AuditLog;
}

/**
 * Opens a chat store: config in, a working store out. This is all the wiring there is, top to bottom.
 *
 * @param options which database, and whether its tables are brought up to date
 * @returns the store; close it, or declare it with `await using`
 * @throws ConfigurationError where the configuration has faults
 * @throws ConnectionError where the database cannot be reached
 * @throws MigrationError where its tables cannot be brought up to date; it is closed again
 * @example
 * await using store = await openChatStore({ database: 'sqlite:./chat.db' });
 * const thread = await store.conversations.startThread({ title: 'Lunch' });
 * await store.conversations.appendMessage(thread.id, { role: 'user', content: 'Where shall we go?' });
 */
export function openChatStore(
  options: ChatStoreOptions & { readonly audit: AuditLogOptions },
): Promise<AuditedChatStore>;
export function openChatStore(options: ChatStoreOptions): Promise<ChatStore>;
export async function openChatStore(options: ChatStoreOptions): Promise<ChatStore> {
  const {
    database,
    migrate = true,
    clock = systemClock,
    logger = silentLogger,
    encryption,
    audit: auditOptions,
    health: healthOptions,
    cache: cacheOptions,
    ...providerOptions
  } = options;
  const provider = DatabaseProviderFactory.createProvider<ChatDatabase>(database, {
    ...providerOptions,
    ...(options.logger === undefined ? {} : { logger }),
    clock,
  });
  const log = auditOptions && new AuditLog(provider, { clock, ...auditOptions });
  const sets = log === undefined ? ownSets : [...ownSets, auditMigrations];
  if (migrate) await migrateOrClose(provider, sets, clock);

  const healthHistory = createHealthHistory(provider, { clock, logger });
  const schema = guardSchema(sets, { clock });
  const health = createHealth(provider, { ...healthOptions, schema, history: healthHistory, clock, logger });

  const secrets = { encryption, clock };
  const unrecorded = repositoriesOf(provider, chatRepositories(secrets));
  const audit = log && new ChatAudit(log, unrecorded);
  const kept = cacheOptions && (await openCache(provider, { clock, logger, ...cacheOptions }));
  if (migrate) await kept?.cache.ready();
  const makers = chatRepositories(secrets, audit, kept);
  const repositories =
    audit === undefined && kept === undefined ? unrecorded : repositoriesOf(provider, makers);

  const settings = { clock, audit };
  const unitOfWork = chatUnitOfWork(provider, makers, settings);
  const conversations = conversationsOf(provider, repositories, settings);
  const { messages } = repositories;
  const drafts = unrecorded.messages;
  const replyParts = { provider, unitOfWork, conversations, messages, drafts, clock, logger };
  const openReplies: ReplyService[] = [];
  const close: ChatStore['close'] = async (closeOptions) => {
    await Promise.all(openReplies.map((replies) => replies.close(closeOptions)));
    await kept?.cache.close();
    await provider.close(closeOptions);
  };

  return {
    provider,
    ...repositories,
    accounts: accountsOf(provider, repositories, settings),
    conversations,
    unitOfWork,
    audit: log,
    health,
    healthHistory,
    cache: kept?.cache,
    scopedTo: (userId) => scopedChat(provider, makers, userId, settings),
    replies(replyOptions) {
      const replies = new ReplyService(replyParts, replyOptions);
      openReplies.push(replies);
      return replies;
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

const ownSets: readonly MigrationSet[] = [healthMigrations, sagaMigrations, chatMigrations];

async function migrateOrClose(
  provider: DatabaseProvider<ChatDatabase>,
  sets: readonly MigrationSet[],
  clock: Clock,
): Promise<void> {
  try {
    for (const set of sets) await new Migrator(provider, set, { clock }).latest();
  } catch (error) {
    await provider.close();
    throw error;
  }
}

/** Loaded late: whoever keeps nothing loads no cache. */
async function openCache(
  provider: DatabaseProvider<ChatDatabase>,
  options: ChatCacheOptions,
): Promise<ChatCache> {
  try {
    const room = await import('./chat-cache.ts');
    return new room.ChatCache(provider, options);
  } catch (error) {
    await provider.close();
    throw error;
  }
}

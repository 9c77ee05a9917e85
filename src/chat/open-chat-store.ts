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
import { healthMigrations } from '../core/health/index.ts';
import { Migrator } from '../core/migrate/index.ts';
import type { KeyRing } from '../core/security/index.ts';
import type { ChatDatabase } from './chat-database.ts';
import {
  accountsOf,
  chatRepositories,
  chatUnitOfWork,
  conversationsOf,
  type ChatRepositories,
  type ChatServices,
  type ChatUnitOfWork,
} from './chat-unit-of-work.ts';
import type { UserId } from './ids.ts';
import { ReplyService, type ReplyOptions } from './reply/reply-service.ts';
import { scopedChat, type ScopedChat } from './scoped-chat.ts';

/** Where the chat store lies, and how it opens. */
export interface ChatStoreOptions extends Pick<
  ProviderOptions<ChatDatabase>,
  'engines' | 'plugins' | 'logger' | 'onPoolEvent' | 'onStatement' | 'clock'
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
  /** Closes the replies, then the database; see `DatabaseProvider.close`. */
  readonly close: DatabaseProvider<ChatDatabase>['close'];
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
export async function openChatStore(options: ChatStoreOptions): Promise<ChatStore> {
  const {
    database,
    migrate = true,
    clock = systemClock,
    logger = silentLogger,
    encryption,
    ...providerOptions
  } = options;
  const provider = DatabaseProviderFactory.createProvider<ChatDatabase>(database, {
    ...providerOptions,
    ...(options.logger === undefined ? {} : { logger }),
    clock,
  });
  if (migrate) await migrateOrClose(provider, clock);

  const makers = chatRepositories({ encryption, clock });
  const repositories: ChatRepositories = {
    users: makers.users(provider),
    oauthIdentities: makers.oauthIdentities(provider),
    apiKeys: makers.apiKeys(provider),
    preferences: makers.preferences(provider),
    threads: makers.threads(provider),
    messages: makers.messages(provider),
  };

  const unitOfWork = chatUnitOfWork(provider, makers, clock);
  const conversations = conversationsOf(provider, repositories, clock);
  const replyParts = { provider, unitOfWork, conversations, messages: repositories.messages, clock, logger };
  const openReplies: ReplyService[] = [];
  const close: ChatStore['close'] = async (closeOptions) => {
    await Promise.all(openReplies.map((replies) => replies.close(closeOptions)));
    await provider.close(closeOptions);
  };

  return {
    provider,
    ...repositories,
    accounts: accountsOf(provider, repositories, clock),
    conversations,
    unitOfWork,
    scopedTo: (userId) => scopedChat(provider, makers, userId, clock),
    replies(replyOptions) {
      const replies = new ReplyService(replyParts, replyOptions);
      openReplies.push(replies);
      return replies;
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

async function migrateOrClose(provider: DatabaseProvider<ChatDatabase>, clock: Clock): Promise<void> {
  try {
    for (const set of [healthMigrations, sagaMigrations, chatMigrations])
      await new Migrator(provider, set, { clock }).latest();
  } catch (error) {
    await provider.close();
    throw error;
  }
}

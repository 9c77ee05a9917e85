import { chatMigrations } from '../../migrations/chat/index.ts';
import {
  DatabaseProviderFactory,
  systemClock,
  type Clock,
  type DatabaseConfigInput,
  type DatabaseProvider,
  type ProviderOptions,
} from '../core/index.ts';
import { healthMigrations } from '../core/health/index.ts';
import { Migrator } from '../core/migrate/index.ts';
import { AccountService } from './account/account-service.ts';
import { ApiKeyRepository } from './account/api-key-repository.ts';
import { OauthIdentityRepository } from './account/oauth-identity-repository.ts';
import { PreferenceRepository } from './account/preference-repository.ts';
import { UserRepository } from './account/user-repository.ts';
import type { ChatDatabase } from './chat-database.ts';
import { ContextThreadRepository } from './conversation/context-thread-repository.ts';
import { ConversationService } from './conversation/conversation-service.ts';
import { MessageRepository } from './conversation/message-repository.ts';
import { MessageSearch } from './conversation/message-search.ts';

/** Where the chat store lies, and how it opens. */
export interface ChatStoreOptions extends Pick<
  ProviderOptions<ChatDatabase>,
  'engines' | 'plugins' | 'logger' | 'onPoolEvent' | 'onStatement' | 'clock'
> {
  /** A URL, an object, or what `parseDatabaseConfig` or `databaseConfigFromEnv` returned. */
  readonly database: DatabaseConfigInput;
  /** Whether the tables are brought up to date first. True by default; where false, nothing is opened yet. */
  readonly migrate?: boolean;
}

/** A chat application's data: repositories for its entities, and the services that keep its promises. */
export interface ChatStore extends AsyncDisposable {
  /** The database below, with the typed Kysely as `provider.db`. */
  readonly provider: DatabaseProvider<ChatDatabase>;
  /** Whoever has an account. */
  readonly users: UserRepository;
  /** The links between users and their accounts at OAuth providers. */
  readonly oauthIdentities: OauthIdentityRepository;
  /** What is known of users' keys to model providers; never the keys. */
  readonly apiKeys: ApiKeyRepository;
  /** Users' settings. */
  readonly preferences: PreferenceRepository;
  /** Threads. New ones, and new messages, come by `conversations`. */
  readonly threads: ContextThreadRepository;
  /** Messages. New ones and new contents come by `conversations`, which keeps their order and the search. */
  readonly messages: MessageRepository;
  /** Signing in. */
  readonly accounts: AccountService;
  /** Threads with their messages: start, append, page, search, import. */
  readonly conversations: ConversationService;
  /** Closes the database; see `DatabaseProvider.close`. */
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
  const { database, migrate = true, clock = systemClock, ...providerOptions } = options;
  const provider = DatabaseProviderFactory.createProvider<ChatDatabase>(database, {
    ...providerOptions,
    clock,
  });
  if (migrate) await migrateOrClose(provider, clock);

  const users = new UserRepository(provider);
  const oauthIdentities = new OauthIdentityRepository(provider);
  const apiKeys = new ApiKeyRepository(provider);
  const preferences = new PreferenceRepository(provider);
  const threads = new ContextThreadRepository(provider);
  const messages = new MessageRepository(provider);
  const search = new MessageSearch(provider, messages);

  return {
    provider,
    users,
    oauthIdentities,
    apiKeys,
    preferences,
    threads,
    messages,
    accounts: new AccountService({ provider, users, oauthIdentities, clock }),
    conversations: new ConversationService({ provider, threads, messages, search, clock }),
    close: (closeOptions) => provider.close(closeOptions),
    [Symbol.asyncDispose]: () => provider.close(),
  };
}

async function migrateOrClose(provider: DatabaseProvider<ChatDatabase>, clock: Clock): Promise<void> {
  try {
    for (const set of [healthMigrations, chatMigrations])
      await new Migrator(provider, set, { clock }).latest();
  } catch (error) {
    await provider.close();
    throw error;
  }
}

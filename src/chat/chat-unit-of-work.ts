import {
  UnitOfWork,
  type Clock,
  type DatabaseProvider,
  type RepositoryMakers,
  type TransactionalProvider,
  type Unit,
} from '../core/index.ts';
import { AccountService } from './account/account-service.ts';
import { ApiKeyRepository } from './account/api-key-repository.ts';
import type { SecretOptions } from './account/chat-secrets.ts';
import { OauthIdentityRepository } from './account/oauth-identity-repository.ts';
import { PreferenceRepository } from './account/preference-repository.ts';
import { UserRepository } from './account/user-repository.ts';
import type { ChatDatabase } from './chat-database.ts';
import { ContextThreadRepository } from './conversation/context-thread-repository.ts';
import { ConversationService } from './conversation/conversation-service.ts';
import { MessageRepository } from './conversation/message-repository.ts';
import { MessageSearch } from './conversation/message-search.ts';

/** The chat's repositories, by their names in a store and in a unit of work. */
export interface ChatRepositories {
  /** Whoever has an account. */
  readonly users: UserRepository;
  /** The links between users and their accounts at OAuth providers. */
  readonly oauthIdentities: OauthIdentityRepository;
  /** Users' keys to model providers. */
  readonly apiKeys: ApiKeyRepository;
  /** Users' settings. */
  readonly preferences: PreferenceRepository;
  /** Threads. New ones, and new messages, come by `conversations`. */
  readonly threads: ContextThreadRepository;
  /** Messages. New ones and new contents come by `conversations`, which keeps their order and the search. */
  readonly messages: MessageRepository;
}

/** The chat's services, by their names in a store and in a unit of work. */
export interface ChatServices {
  /** Signing in. */
  readonly accounts: AccountService;
  /** Threads with their messages: start, append, page, search, import. */
  readonly conversations: ConversationService;
}

/**
 * Units of work of the chat: every repository and both services, bound to one transaction.
 *
 * @example
 * class Onboarding {
 *   readonly #unitOfWork: ChatUnitOfWork;
 *   constructor(unitOfWork: ChatUnitOfWork) {
 *     this.#unitOfWork = unitOfWork;
 *   }
 * }
 */
export type ChatUnitOfWork = UnitOfWork<ChatDatabase, ChatRepositories, ChatServices>;

/**
 * What work in a unit of the chat is given. A function that needs less of it says so:
 * `Pick<ChatUnit, 'conversations'>`.
 */
export type ChatUnit = Unit<ChatDatabase, ChatRepositories, ChatServices>;

/** How each repository is made, for a provider as for a unit. */
export type ChatRepositoryMakers = RepositoryMakers<ChatDatabase, ChatRepositories>;

/** Says how each repository is made. */
export function chatRepositories(secrets: SecretOptions): ChatRepositoryMakers {
  return {
    users: (target) => new UserRepository(target),
    oauthIdentities: (target) => new OauthIdentityRepository(target, secrets),
    apiKeys: (target) => new ApiKeyRepository(target, secrets),
    preferences: (target) => new PreferenceRepository(target),
    threads: (target) => new ContextThreadRepository(target),
    messages: (target) => new MessageRepository(target),
  };
}

/** Makes the account service of a provider or a unit. */
export function accountsOf(
  provider: TransactionalProvider<ChatDatabase>,
  { users, oauthIdentities }: ChatRepositories,
  clock: Clock,
): AccountService {
  return new AccountService({ provider, users, oauthIdentities, clock });
}

/** Makes the conversation service of a provider or a unit. */
export function conversationsOf(
  provider: TransactionalProvider<ChatDatabase>,
  { threads, messages }: ChatRepositories,
  clock: Clock,
): ConversationService {
  const search = new MessageSearch(provider, messages);
  return new ConversationService({ provider, threads, messages, search, clock });
}

/** Makes the units of work of a store. */
export function chatUnitOfWork(
  provider: DatabaseProvider<ChatDatabase>,
  repositories: ChatRepositoryMakers,
  clock: Clock,
): ChatUnitOfWork {
  return new UnitOfWork<ChatDatabase, ChatRepositories, ChatServices>(provider, {
    repositories,
    services: {
      accounts: (unit) => accountsOf(unit, unit.repositories, clock),
      conversations: (unit) => conversationsOf(unit, unit.repositories, clock),
    },
  });
}

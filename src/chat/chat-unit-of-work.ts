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
import type { ChatAudit } from './chat-audit.ts';
import type { ChatCache } from './chat-cache.ts';
import type { ChatDatabase } from './chat-database.ts';
import type { ChatRepositories } from './chat-repositories.ts';
import { ContextThreadRepository } from './conversation/context-thread-repository.ts';
import { ConversationService } from './conversation/conversation-service.ts';
import { MessageRepository } from './conversation/message-repository.ts';
import { MessageSearch } from './conversation/message-search.ts';

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

type ChatTarget = TransactionalProvider<ChatDatabase>;

/** How each repository is made, for a provider as for a unit. */
export type ChatRepositoryMakers = RepositoryMakers<ChatDatabase, ChatRepositories>;

/**
 * Says how each repository is made.
 *
 * @param secrets the keys of those that store secrets
 * @param audit records what they do; undefined where nothing is recorded
 * @param cache keeps what they read; undefined where nothing is kept
 */
export function chatRepositories(
  secrets: SecretOptions,
  audit?: ChatAudit,
  cache?: ChatCache,
): ChatRepositoryMakers {
  const on = (name: keyof ChatRepositories, target: ChatTarget): ChatTarget => {
    const kept = cache === undefined ? target : cache.target(name, target);
    return audit === undefined ? kept : audit.target(name, kept);
  };
  const secretsOn = (target: ChatTarget): SecretOptions =>
    audit === undefined ? secrets : { ...secrets, recorder: audit.recorder(target) };
  return {
    users: (target) => new UserRepository(on('users', target)),
    oauthIdentities: (target) =>
      new OauthIdentityRepository(on('oauthIdentities', target), secretsOn(target)),
    apiKeys: (target) => new ApiKeyRepository(on('apiKeys', target), secretsOn(target)),
    preferences: (target) => new PreferenceRepository(on('preferences', target)),
    threads: (target) => new ContextThreadRepository(on('threads', target)),
    messages: (target) => new MessageRepository(on('messages', target)),
  };
}

/** Makes the repositories of a provider. */
export function repositoriesOf(provider: ChatTarget, makers: ChatRepositoryMakers): ChatRepositories {
  return {
    users: makers.users(provider),
    oauthIdentities: makers.oauthIdentities(provider),
    apiKeys: makers.apiKeys(provider),
    preferences: makers.preferences(provider),
    threads: makers.threads(provider),
    messages: makers.messages(provider),
  };
}

/** What services are made with beside the repositories. */
export interface ServiceSettings {
  /** Says when something is done. */
  readonly clock: Clock;
  /** Records what is done; undefined where nothing is recorded. */
  readonly audit?: ChatAudit | undefined;
}

/** Makes the account service of a provider or a unit. */
export function accountsOf(
  provider: TransactionalProvider<ChatDatabase>,
  { users, oauthIdentities }: ChatRepositories,
  { clock, audit }: ServiceSettings,
): AccountService {
  return new AccountService({ provider, users, oauthIdentities, clock, recorder: audit?.recorder(provider) });
}

/** Makes the conversation service of a provider or a unit. */
export function conversationsOf(
  provider: TransactionalProvider<ChatDatabase>,
  { threads, messages }: ChatRepositories,
  { clock }: ServiceSettings,
): ConversationService {
  const search = new MessageSearch(provider, messages);
  return new ConversationService({ provider, threads, messages, search, clock });
}

/** Makes the units of work of a store. */
export function chatUnitOfWork(
  provider: DatabaseProvider<ChatDatabase>,
  repositories: ChatRepositoryMakers,
  settings: ServiceSettings,
): ChatUnitOfWork {
  return new UnitOfWork<ChatDatabase, ChatRepositories, ChatServices>(provider, {
    repositories,
    services: {
      accounts: (unit) => accountsOf(unit, unit.repositories, settings),
      conversations: (unit) => conversationsOf(unit, unit.repositories, settings),
    },
  });
}

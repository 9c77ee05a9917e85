import type { ApiKeyRepository } from './account/api-key-repository.ts';
import type { OauthIdentityRepository } from './account/oauth-identity-repository.ts';
import type { PreferenceRepository } from './account/preference-repository.ts';
import type { UserRepository } from './account/user-repository.ts';
import type { ContextThreadRepository } from './conversation/context-thread-repository.ts';
import type { MessageRepository } from './conversation/message-repository.ts';

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

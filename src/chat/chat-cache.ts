import {
  cachedTarget,
  createCache,
  type CachedOptions,
  type CacheOptions,
  type RepositoryCache,
} from '../core/cache/index.ts';
import type { DatabaseProvider, TransactionalProvider } from '../core/index.ts';
import type { ChatDatabase } from './chat-database.ts';
import type { ChatRepositories } from './chat-repositories.ts';

/** How a chat store keeps what it reads. */
export interface ChatCacheOptions extends CacheOptions {
  /** For how long an answer is given as it is, in ms, from 1 to 86,400,000; 60,000 by default. */
  readonly ttl?: number;
}

type CachedName = 'users' | 'threads' | 'messages';

/** Keeps users, threads and messages, their pages and lists. Keys and links to other accounts are read each time. */
export class ChatCache {
  readonly cache: RepositoryCache;
  readonly #options: Readonly<Record<CachedName, CachedOptions>>;

  /** @throws ValidationError with every fault of the options */
  constructor(provider: DatabaseProvider<ChatDatabase>, { ttl, ...options }: ChatCacheOptions) {
    const cache = createCache(provider, options);
    const terms = { cache, ...(ttl !== undefined && { ttl }) };
    this.cache = cache;
    this.#options = {
      users: terms,
      threads: { ...terms, groups: ['owner_id'] },
      messages: { ...terms, groups: ['thread_id'] },
    };
  }

  /** What a repository is made on, so that its reads are kept. */
  target(
    name: keyof ChatRepositories,
    provider: TransactionalProvider<ChatDatabase>,
  ): TransactionalProvider<ChatDatabase> {
    const options = (this.#options as Partial<Record<keyof ChatRepositories, CachedOptions>>)[name];
    return options === undefined ? provider : cachedTarget(provider, options);
  }
}

import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { ColumnName } from '../query/column.ts';
import type { ReadRepository } from '../repository/read-repository.ts';
import type { Repository } from '../repository/repository.ts';
import type { RepositoryProvider } from '../repository/repository-provider.ts';
import type { TableDefinition } from '../repository/table-definition.ts';
import { observedTarget, type ObservableTarget } from '../transaction/observed-target.ts';
import type { TransactionalProvider } from '../transaction/transactional-provider.ts';
import { coreOf, type CacheCore } from './cache-core.ts';
import type { CachedOptions } from './cached-options.ts';
import { CachedReads } from './cached-reads.ts';

/**
 * A repository that keeps what it reads: rows by key, lists, pages, lookups, counts. An answer is given only while nothing
 * that it depends on was changed by its provider, in whatever way, and for at most `ttl`.
 *
 * What it gives is frozen and shared by all callers; an entity that holds what cannot be frozen, such as a Date or bytes, is
 * made anew of its row for each. Calls with `{ on }`, inside of transactions and units of work, streams and `query()` read
 * the database, and nothing of them is kept; so does a repository of a unit of work, or behind a border of rows, whose
 * answers belong to one actor. Methods that a subclass adds are not there; make such a repository on `cachedTarget`.
 *
 * @param repository any one; it stays as it is
 * @param options the cache and how long; make them once, since answers are kept for each object of options
 * @returns a repository of its own, with the same columns and mapper
 * @throws ValidationError with every fault of the options, and where the repository is cached already
 * @example
 * const cache = createCache(provider);
 * const users = cached(new Repository(provider, userTable), { cache, ttl: 30_000 });
 * await users.getById(id); // the second call asks nobody
 */
export function cached<
  DB,
  Table extends keyof DB & string,
  Entity,
  JsonShapes,
  Key extends ColumnName<DB[Table]>,
>(
  repository: Repository<DB, Table, Entity, JsonShapes, Key>,
  options: CachedOptions<ColumnName<DB[Table]>>,
): Repository<DB, Table, Entity, JsonShapes, Key>;
export function cached<
  DB,
  Table extends keyof DB & string,
  Entity,
  JsonShapes,
  Key extends ColumnName<DB[Table]>,
>(
  repository: ReadRepository<DB, Table, Entity, JsonShapes, Key>,
  options: CachedOptions<ColumnName<DB[Table]>>,
): ReadRepository<DB, Table, Entity, JsonShapes, Key>;
export function cached<
  DB,
  Table extends keyof DB & string,
  Entity,
  JsonShapes,
  Key extends ColumnName<DB[Table]>,
>(
  repository: ReadRepository<DB, Table, Entity, JsonShapes, Key>,
  options: CachedOptions<ColumnName<DB[Table]>>,
): ReadRepository<DB, Table, Entity, JsonShapes, Key> {
  // What a repository says of its table is its whole definition.
  requireCache(options);
  CachedReads.of(options).check(repository.table as TableDefinition);
  return repository.rebind((provider) => cachedTarget(provider, options));
}

/**
 * Puts a cache in front of a provider, for repositories with methods of their own: what these ask by the methods that
 * every repository has is kept as `cached` says.
 *
 * @param target the provider of the cache, or one that is audited. Any other is given back without a cache: a unit of work,
 *   a transaction, a border of rows, a handle with plugins
 * @param options as for `cached`; their faults are told at the first read
 * @returns a provider for repositories
 * @throws ValidationError where the target is cached already
 * @example
 * const users = new UserRepository(cachedTarget(provider, { cache, ttl: 30_000 }));
 */
export function cachedTarget<DB, Options extends readonly unknown[]>(
  target: TransactionalProvider<DB, Options>,
  options: CachedOptions,
): TransactionalProvider<DB, Options>;
export function cachedTarget<DB>(
  target: RepositoryProvider<DB>,
  options: CachedOptions,
): RepositoryProvider<DB>;
export function cachedTarget<DB>(
  target: ObservableTarget<DB>,
  options: CachedOptions,
): RepositoryProvider<DB> {
  requireCache(options);
  if (target.reads !== undefined) {
    throw new ValidationError([{ path: ['target'], message: 'is cached already' }]);
  }
  // Any other handle sees other rows than everybody does: those of a transaction, or of an actor.
  if (!requireCache(options).isOf(target.db)) return target;
  return observedTarget(target, { reads: CachedReads.of(options) });
}

function requireCache(options: Partial<CachedOptions> | undefined): CacheCore {
  const core = options?.cache && coreOf(options.cache);
  if (core !== undefined) return core;
  throw new ValidationError([{ path: ['cache'], message: 'must be what createCache gives' }]);
}

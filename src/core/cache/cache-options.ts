import type { CompiledQuery } from 'kysely';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { silentLogger, type Logger } from '../foundation/logger.ts';
import { quietLogger } from '../foundation/quiet-logger.ts';
import type { CacheStore } from './cache-store.ts';
import type { InvalidationBus } from './invalidation-bus.ts';
import { MemoryStore } from './memory-store.ts';

/** How a cache works. */
export interface CacheOptions {
  /** Where answers are kept; a `MemoryStore` by default. It is for this cache alone, and closed with it. */
  readonly store?: CacheStore;
  /**
   * Tells other processes what has changed, and hears of them; or makes what does, such as `postgresBus`. None by default:
   * then only this process is known.
   */
  readonly bus?: InvalidationBus | ((provider: object) => InvalidationBus);
  /**
   * Makes the statements that note a change in the database, in the transaction of the change: for a relay that brings it to
   * `apply` of every cache where a kill would lose it else. It is given the slots, and must not throw.
   */
  readonly journal?: (slots: readonly number[]) => readonly CompiledQuery[];
  /**
   * What triggers write, by the table that has them: `{ messages: ['threads'] }`. A write of a table with triggers that are
   * not told of here makes everything invalid.
   */
  readonly triggers?: Readonly<Record<string, readonly string[]>>;
  /**
   * Tables that no process caches, nor what their writes cascade to: whoever writes them alone tells nobody, and their statements
   * stay as they are. The outbox that carries a `journal` must be among them, or each message would make another one.
   */
  readonly uncached?: readonly string[];
  /**
   * Begins the keys that are shared: 1 to 64 letters, digits, dots, dashes or underscores. Required where the store is shared, such as
   * a `RedisStore`: every database has one of its own there, since two under the same one would be given each other's rows.
   */
  readonly prefix?: string;
  /** A part of the keys that are shared: another one reads nothing that was kept before. Empty by default. */
  readonly schemaVersion?: string;
  /**
   * For how long a change is taken for possible whose outcome nobody knows, in ms, from 1,000 to 86,400,000; 60,000 by
   * default. It should be longer than a statement may take.
   */
  readonly uncertaintyWindow?: number;
  /** Where ages get their time from; the machine's by default. */
  readonly clock?: Clock;
  /** Hears of what nobody waits for. */
  readonly logger?: Logger;
}

/** The options with their defaults, checked. */
export type CheckedCacheOptions = Required<Omit<CacheOptions, 'bus' | 'journal'>> &
  Pick<CacheOptions, 'journal'> & { readonly bus?: InvalidationBus };

/**
 * @param provider for the bus
 * @throws ValidationError with every fault
 */
export function checkCacheOptions(provider: object, options: CacheOptions): CheckedCacheOptions {
  const issues: Issue[] = [];
  const { prefix, schemaVersion = '', uncertaintyWindow = 60_000, triggers = {}, uncached = [] } = options;
  const { clock = systemClock, logger = silentLogger, bus, journal } = options;
  const store: CacheStore = options.store ?? new MemoryStore();
  if (prefix === undefined && store.shared !== undefined) {
    issues.push({ path: ['prefix'], message: 'must name the database where a store is shared' });
  }
  if (prefix !== undefined && !/^[\w.-]{1,64}$/.test(prefix)) {
    issues.push({
      path: ['prefix'],
      message: 'must be 1 to 64 letters, digits, dots, dashes or underscores',
    });
  }
  if (typeof schemaVersion !== 'string') issues.push({ path: ['schemaVersion'], message: 'must be text' });
  if (
    !Number.isSafeInteger(uncertaintyWindow) ||
    uncertaintyWindow < 1_000 ||
    uncertaintyWindow > 86_400_000
  ) {
    issues.push({ path: ['uncertaintyWindow'], message: 'must be an integer from 1000 to 86400000, in ms' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  const made = typeof bus === 'function' ? bus(provider) : bus;
  if (made?.follows !== undefined && made.follows !== store.shared) {
    // It would listen to a store that nobody opens, and the cache would give nothing for ever.
    throw new ValidationError([{ path: ['bus'], message: 'must be that of the store of the cache' }]);
  }
  return {
    store,
    triggers,
    uncached,
    prefix: prefix ?? 'liminal',
    schemaVersion,
    uncertaintyWindow,
    clock,
    logger: quietLogger(logger),
    ...(made !== undefined && { bus: made }),
    ...(journal !== undefined && { journal }),
  };
}

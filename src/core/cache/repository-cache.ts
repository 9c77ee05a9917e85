import type { CompiledQuery } from 'kysely';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { DatabaseProvider } from '../provider/database-provider.ts';
import { noteForeignWrites } from '../provider/foreign-writes.ts';
import { outside } from '../provider/transaction-context.ts';
import { transactionsOf } from '../provider/transactions.ts';
import { watchWrites } from '../provider/write-watch.ts';
import { planKey } from '../repository/plan-read.ts';
import { CacheChanges } from './cache-changes.ts';
import { explainAnswer, type CacheExplanation } from './cache-explanation.ts';
import { checkCacheOptions, type CacheOptions, type CheckedCacheOptions } from './cache-options.ts';
import { bindCore, CacheCore } from './cache-core.ts';
import type { CacheRegion, CacheRegionStats } from './cache-region.ts';
import type { CacheStore } from './cache-store.ts';
import { CacheWatch } from './cache-watch.ts';
import type { InvalidationBus } from './invalidation-bus.ts';
import { joinTransaction } from './join-transaction.ts';
import { namespaceTag, ownTag } from './own-tags.ts';
import { everySlot, slotCount, slotsOf } from './stamps.ts';
import { allListsTag, listTag, rowTag, tableName, tableTag } from './tags.ts';
import { TouchReader } from './touch/touch-reader.ts';
import { WriteEffects } from './touch/write-effects.ts';

/** What is made invalid by hand. */
export type CacheInvalidation =
  /** The row of a key, with every list of its table. */
  | { readonly region: string; readonly id: unknown }
  /** All answers that have one of the tags. */
  | { readonly tags: readonly string[] }
  /** All answers of a region. */
  | { readonly namespace: string };

/** To which transaction something belongs. */
export interface InvalidateOptions {
  /** The `tx` of `provider.transaction`, or the `db` of a unit of work; by default the one that runs around the code. */
  readonly on?: object | undefined;
}

/** What a cache has done since it was made. */
export interface CacheStats {
  /** By region. */
  readonly regions: Readonly<Record<string, CacheRegionStats>>;
  /** How many answers are kept in this process. */
  readonly entries: number;
  /** About how much memory they take. */
  readonly bytes: number;
}

/** What `cached` needs of the provider of a cache. */
type CacheProvider = Pick<DatabaseProvider<never>, 'db' | 'sql' | 'migrations' | 'batch'>;

/**
 * Keeps what the repositories of one provider have read, for as long as it is true: whatever this provider writes, by
 * whatever way, makes invalid what depends on it before its commit can take effect, and nothing is kept that was read
 * before. Other processes, and other providers of this one, are heard of over a bus.
 *
 * It cannot see what others write without a bus, nor what a function writes that a SELECT calls.
 *
 * @example
 * await using cache = createCache(provider, { bus: postgresBus });
 * const users = cached(new Repository(provider, userTable), { cache, ttl: 60_000 });
 */
export class RepositoryCache implements AsyncDisposable {
  readonly #provider: CacheProvider;
  readonly #options: CheckedCacheOptions;
  readonly #store: CacheStore;
  readonly #core: CacheCore;
  readonly #changes: CacheChanges;
  readonly #effects: WriteEffects;
  readonly #unwatch: () => void;
  #learning: Promise<void> | undefined;
  #isDeaf = false;
  #closing: Promise<void> | undefined;

  /**
   * Use `createCache`.
   *
   * @param provider a `DatabaseProvider`
   * @param options how it works
   * @throws ValidationError with every fault of the options, and where the provider cannot be watched
   */
  constructor(provider: object, options: CacheOptions = {}) {
    this.#provider = provider as CacheProvider;
    const transactions = transactionsOf(provider);
    if (transactions === undefined) throw noProvider();
    // What they ask and write under other names, or for one tenant alone, no key and no tag shows.
    if (this.#provider.db.getExecutor().plugins.length > 0) {
      throw new ValidationError([
        {
          path: ['provider'],
          message: 'must have no plugins: a cache cannot tell what they make of a statement',
        },
      ]);
    }
    this.#options = checkCacheOptions(provider, options);
    const { store, bus, clock, logger, uncertaintyWindow, triggers, prefix } = this.#options;
    const noteForeign = () => noteForeignWrites(provider);
    this.#core = new CacheCore({ db: this.#provider.db, transactions, noteForeign, ...this.#options });
    bindCore(this, this.#core);
    const { stamps, tables, layouts, uncached } = this.#core;
    this.#store = store;
    store.open?.({ monotonic: () => clock.monotonic(), logger, prefix });
    this.#changes = new CacheChanges({
      stamps,
      layouts,
      store,
      bus,
      uncertaintyWindow,
      clock,
      logger,
      noteForeign,
      note: (slots) => this.#core.noteChange(slots),
      relearn: () => void this.relearn(),
    });
    this.#effects = new WriteEffects(provider as never, { triggers });
    const unwatch = watchWrites(
      provider,
      new CacheWatch({
        reader: new TouchReader(this.#provider.sql.lexicalRules),
        effects: this.#effects,
        tables,
        layouts,
        uncached,
        changes: this.#changes,
        accompany: (slots) => this.#accompany(slots),
        relearn: () => this.relearn(),
        knowledge: () => this.#core.namings + this.#effects.age,
      }),
    );
    if (unwatch === undefined) throw noProvider();
    this.#unwatch = unwatch;
    void this.relearn();
    if (bus !== undefined) this.#listen(bus);
  }

  /**
   * Waits until it is known which tables a write of another one changes, by cascades and triggers. Until then it works
   * as well, and each write makes everything invalid. It never rejects: what could not be read is reported to the logger.
   */
  async ready(): Promise<void> {
    await this.#learning;
  }

  /**
   * Reads anew how the tables hang together: their cascades, triggers and generated columns. Call it where somebody has changed
   * the schema whom the cache does not hear of, such as a migration by another tool. What this provider changes, what a
   * bus tells of, and each time that the bus has missed something, needs none of this.
   *
   * @returns as `ready`
   * @example
   * await cache.relearn(); // behind a migration by somebody else
   */
  relearn(): Promise<void> {
    this.#effects.forget();
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = undefined;
    });
    return this.#learning;
  }

  /**
   * Makes answers invalid. Inside of a transaction or a unit of work this belongs to it: it happens with its commit, and
   * not at all where it is rolled back. What the provider writes needs none of this.
   *
   * @param what a row by its key, tags, or a namespace
   * @param options `on` is the transaction that it belongs to
   * @returns resolves once nobody in this process is given such an answer any more, and others were told, for which it
   *   waits for at most 50 ms; inside of a transaction at once
   * @throws ValidationError where there is no such region, it spans several tables or keys, the key is none of its table, or `on` is no scope of this library
   * @example
   * await cache.invalidate({ tags: ['prices'] });
   * await unitOfWork.run(async ({ db }) => cache.invalidate({ region: 'users', id }, { on: db }));
   */
  async invalidate(what: CacheInvalidation, { on }: InvalidateOptions = {}): Promise<void> {
    const slots = this.#core.layouts.mark(slotsOf(this.#tagsOf(what)));
    const handle = on ?? this.#runningHandle();
    if (handle === undefined) return this.#applyAlone(slots);
    const begin = () => this.#changes.begin(slots, { isTold: true });
    const { clock } = this.#options;
    const limits = { clock, uncertaintyWindow: this.#options.uncertaintyWindow };
    if (joinTransaction(handle, { begin, statements: this.#accompany(slots) }, limits)) return;
    if ((handle as { isTransaction?: boolean }).isTransaction === false) return this.#applyAlone(slots);
    throw new ValidationError([
      { path: ['on'], message: 'must be the tx of provider.transaction, or the db of a unit of work' },
    ]);
  }

  /**
   * Takes over a change that another process has noted, such as a message of `journal`. The same one may come several
   * times, and in any order.
   *
   * @param slots as `journal` was given them
   * @throws ValidationError where they are none
   */
  async apply(slots: readonly number[]): Promise<void> {
    const isSlot = (slot: unknown) =>
      Number.isInteger(slot) && (slot as number) >= 0 && (slot as number) < slotCount;
    if (!Array.isArray(slots) || !slots.every(isSlot)) {
      throw new ValidationError([
        { path: ['slots'], message: 'must be a list of slots, as the journal was given them' },
      ]);
    }
    noteForeignWrites(this.#provider);
    if (slots.includes(everySlot)) void this.relearn();
    await this.#changes.begin(this.#changes.widen(slots), { isTold: false })('kept');
  }

  /** Forgets everything, here and for all who share the store or the bus. */
  async clear(): Promise<void> {
    await this.#applyAlone([everySlot]);
    this.#store.clear();
  }

  /** @returns what it has done, by region */
  stats(): CacheStats {
    const { entries, bytes, regions: kept } = this.#store.stats();
    const regions: Record<string, CacheRegionStats> = {};
    for (const { name, counts } of this.#core.regions.values()) {
      regions[name] = { ...counts, evictions: kept[name]?.evictions ?? 0, bytes: kept[name]?.bytes ?? 0 };
    }
    return { regions, entries, bytes };
  }

  /**
   * Tells what would become of a read by key now, and why. It asks no database and changes nothing.
   *
   * @param region the name of a namespace, or of a table that has none
   * @param key as `findById` takes it
   * @returns the answer, its age, and what it depends on
   * @throws ValidationError where there is no such region, it spans several tables or keys, nothing was asked in it yet, or the
   *   key is none
   * @example
   * const { answer, reason } = await cache.explain('users', id); // 'miss', 'something that it depends on has changed'
   */
  async explain(region: string, key: unknown): Promise<CacheExplanation> {
    const { explain, definition } = this.#requireRowRegion(region);
    if (explain === undefined) {
      throw new ValidationError([{ path: ['region'], message: 'was not asked for anything yet' }]);
    }
    const question = explain(planKey(key, definition));
    const entry = await this.#store.peek(question, this.#core.stamps.stampOf(question.slots));
    return explainAnswer(question, entry, this.#core.stamps, this.#options.clock.monotonic());
  }

  /**
   * Ends it: from now on its repositories read the database. It waits for changes that are under way, and tells others once more of
   * what they have not confirmed, for a few seconds at most; what may stay untold is reported to the logger. Never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #applyAlone(slots: readonly number[]): Promise<void> {
    const statements = this.#accompany(slots);
    const hear = this.#changes.begin(slots, { isTold: statements.length > 0 });
    try {
      if (statements.length > 0) await outside(() => this.#provider.batch(statements));
    } finally {
      await hear('kept');
    }
  }

  #accompany(slots: readonly number[]): readonly CompiledQuery[] {
    const { bus, journal } = this.#options;
    const told = bus?.statement?.(slots);
    return [...(told === undefined ? [] : [told]), ...(journal?.(slots) ?? [])];
  }

  #listen(bus: InvalidationBus): void {
    // Until it listens, others may write unheard.
    this.#setDeaf(true);
    bus.start({
      onMove: (slots) => this.#changes.hear(slots),
      onGap: (what) => {
        this.#changes.hear([everySlot], what);
        this.#setDeaf(false);
      },
      onLoss: () => this.#setDeaf(true),
      onReturn: () => this.#setDeaf(false),
    });
  }

  #setDeaf(isDeaf: boolean): void {
    if (this.#isDeaf === isDeaf) return;
    this.#isDeaf = isDeaf;
    if (isDeaf) this.#core.stamps.close([everySlot]);
    else this.#core.stamps.open([everySlot]);
  }

  async #learn(): Promise<void> {
    try {
      // One at a time, and again where it was forgotten meanwhile.
      while (this.#closing === undefined && !(await outside(() => this.#effects.read())));
    } catch (error) {
      this.#options.logger.warn(
        { error },
        'the cascades of a database could not be read: until then every write empties its cache',
      );
    }
  }

  #runningHandle(): object | undefined {
    const running = this.#core.findRunning();
    if (running === undefined) return undefined;
    return 'db' in running ? (running.db as object) : running;
  }

  #tagsOf(what: CacheInvalidation): readonly string[] {
    if ('tags' in what) {
      const { tags } = what;
      if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags.map(ownTag);
      throw new ValidationError([{ path: ['tags'], message: 'must be a list of names' }]);
    }
    if ('namespace' in what) return [namespaceTag(this.#requireRegion(what.namespace).name)];
    const { definition } = this.#requireRowRegion(what.region);
    const { table, key } = definition;
    const values = planKey(what.id, definition);
    // Others ask for its rows by another key, in a region of their own.
    if (this.#core.tables.get(tableName(table))?.keys.length !== 1) return [tableTag(table)];
    const names = key.map(({ name }) => name);
    const row = rowTag(table, names, values);
    const lists = [listTag(table), allListsTag(table)];
    return row === undefined ? lists : [row, ...lists];
  }

  /** A region in which a key names a row. */
  #requireRowRegion(name: string): CacheRegion {
    const region = this.#requireRegion(name);
    if (region.hasOneKey) return region;
    throw new ValidationError([
      {
        path: ['region'],
        message:
          'spans several tables or keys, so that a key names no row of it; give them namespaces of their own',
      },
    ]);
  }

  #requireRegion(name: string): CacheRegion {
    const region = this.#core.regions.get(name);
    if (region !== undefined) return region;
    const names = [...this.#core.regions.keys()].join(', ');
    throw new ValidationError([
      { path: ['region'], message: `must be a region of the cache; it has ${names || 'none'}` },
    ]);
  }

  async #close(): Promise<void> {
    this.#core.stamps.close([everySlot]);
    this.#unwatch();
    const { bus, logger } = this.#options;
    try {
      await this.#changes.close();
      await bus?.close();
      await this.#store.close?.();
    } catch (error) {
      logger.warn({ error }, 'a cache could not be closed in order');
    }
    this.#store.clear();
  }
}

/**
 * Makes a cache for the repositories of a provider, before the first statement that it is to see. Close it before the
 * provider.
 *
 * @param provider a `DatabaseProvider`
 * @param options the store, the bus, and how it works; a `MemoryStore` and no bus by default
 * @returns the cache, which belongs to the caller
 * @throws ValidationError with every fault of the options, and where the provider cannot be watched or has plugins
 * @example
 * await using cache = createCache(provider);
 * const threads = cached(new ThreadRepository(provider), { cache, ttl: 10_000, tags: ['threads'] });
 */
export function createCache(provider: object, options: CacheOptions = {}): RepositoryCache {
  return new RepositoryCache(provider, options);
}

function noProvider(): ValidationError {
  return new ValidationError([{ path: ['provider'], message: 'must be a DatabaseProvider' }]);
}

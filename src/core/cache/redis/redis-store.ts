import { sleep } from '../../foundation/clock.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { silentLogger, type Logger } from '../../foundation/logger.ts';
import { loadCrypto } from '../../foundation/node-crypto.ts';
import { within } from '../../foundation/within.ts';
import type { AnswerLife } from '../answer-codec.ts';
import { AnswerFlights } from '../answer-flights.ts';
import type { CacheEntry, CacheMiss, CacheQuestion, CacheStore, CacheStoreContext } from '../cache-store.ts';
import type { InvalidationBus } from '../invalidation-bus.ts';
import { RedisBus } from './redis-bus.ts';
import { redisClient, type RedisClient } from './redis-client.ts';
import {
  isFence,
  readEntry,
  slotsText,
  writePayload,
  type RedisFence,
  type RedisPayload,
} from './redis-entry.ts';
import { RedisLine } from './redis-line.ts';
import { mostSlots, RedisMoves } from './redis-moves.ts';
import { runScript } from './redis-script.ts';
import {
  checkRedisStoreOptions,
  type CheckedRedisStoreOptions,
  type RedisStoreEvent,
  type RedisStoreOptions,
  type RedisStoreStats,
} from './redis-store-options.ts';

/** What the server says of an entry. */
interface RedisReply {
  readonly fence: RedisFence;
  /** Who holds the lock now. */
  readonly lock: 'own' | 'other' | 'none';
  readonly found: RedisPayload | undefined;
}

const miss: CacheMiss = Object.freeze({ isHit: false });
const firstPoll = 4;
const longestPoll = 25;

/**
 * Keeps rows on a Redis or Valkey server that several processes share. The server has stamps of its own: an entry is valid while
 * these are as they were before it was read, so that a reader that comes late cannot put old rows there. The server is waited for
 * no longer than a limit; where it is away, stopped, full or poisoned, the database is read and nobody hears of an error.
 *
 * Other processes' memory is told over `bus`. Who may write to the server may also write false rows, unless they are sealed.
 *
 * @example
 * const redis = new RedisStore(new Redis('rediss://cache.internal'), { seal: new FieldCipher(ring) });
 * const cache = createCache(provider, { store: new TieredStore(new MemoryStore(), redis), bus: redis.bus() });
 */
export class RedisStore implements CacheStore {
  /** Its name in explanations. */
  readonly tier = 'redis';
  /** It is shared itself. */
  readonly shared = this;
  readonly #options: CheckedRedisStoreOptions;
  readonly #client: RedisClient;
  readonly #line: RedisLine;
  readonly #moves: RedisMoves;
  /** Who moves slots and holds locks: nobody hears or waits for themselves. */
  readonly #source = loadCrypto().randomBytes(6).toString('hex');
  readonly #reads = new AnswerFlights<CacheEntry | CacheMiss>();
  /** What this process loads: whoever asks meanwhile joins that, and the server is not asked. */
  readonly #loading = new Map<string, { readonly stamp: number; readonly miss: CacheMiss }>();
  readonly #counts = { downs: 0, hits: 0, misses: 0, skipped: 0, poisoned: 0, waits: 0 };
  #prefix: string | undefined;
  #logger: Logger = silentLogger;
  #monotonic: () => number = () => 0;
  #bus: RedisBus | undefined;
  readonly #firstUp = Promise.withResolvers<void>();

  /**
   * @param client of `ioredis`, `iovalkey` or `redis`, or what `redisClient` gives. Connections of its own are made by its pattern
   * @param options limits, the lock, the seal
   * @throws ValidationError with every fault of the options, and where the client is none
   */
  constructor(client: object, options: RedisStoreOptions = {}) {
    this.#options = checkRedisStoreOptions(options);
    this.#client = redisClient(client);
    const { clock, timeLimit } = this.#options;
    this.#line = new RedisLine({
      client: this.#client,
      clock,
      limit: timeLimit,
      prepare: async (connection) => requirePrimary(await connection.call('INFO', ['replication'])),
      onUp: () => this.#goUp(),
      onDown: (reason) => this.#goDown(reason),
    });
    this.#moves = new RedisMoves({
      line: this.#line,
      source: this.#source,
      places: () => ({ stamps: this.#stampsKey, channel: this.#channel }),
      tell: (event) => this.#tell(event),
    });
  }

  /**
   * The bus that tells other processes of what this one has changed, by a connection of its own that hears the server's channel.
   * For the cache of this store alone.
   *
   * @returns the bus, the same one each time
   */
  bus(): InvalidationBus {
    const { clock, heartbeat } = this.#options;
    this.#bus ??= new RedisBus({
      store: this,
      client: this.#client,
      clock,
      heartbeat,
      source: this.#source,
      channel: () => this.#channel,
      ping: (channel) =>
        void this.#line.ask((connection) => connection.call('PUBLISH', [channel, this.#source])),
    });
    return this.#bus;
  }

  /**
   * Waits until the server has answered for the first time. Nothing needs it: until then the database is read.
   *
   * @param limit in ms
   * @returns whether it has
   */
  async ready(limit = 5_000): Promise<boolean> {
    await within(this.#options.clock, limit, this.#firstUp.promise);
    return this.#line.isUp;
  }

  /**
   * Begins to work; the cache calls it.
   *
   * @param context the clock of ages, the logger, the prefix of shared names
   * @throws ValidationError where another cache has opened it before
   */
  open({ monotonic, logger, prefix }: CacheStoreContext): void {
    if (this.#prefix !== undefined) {
      throw new ValidationError([{ path: ['store'], message: 'must be one that no other cache has opened' }]);
    }
    this.#monotonic = monotonic;
    this.#logger = logger;
    this.#prefix = prefix;
    this.#line.start();
  }

  /**
   * Looks for an answer.
   *
   * @param question what is asked
   * @param stamp what its slots count now
   * @param now on the clock of ages, in ms
   * @returns a valid entry, or a miss; it never rejects
   */
  read(question: CacheQuestion, stamp: number, now: number): CacheMiss | Promise<CacheEntry | CacheMiss> {
    if (question.isSensitive) return miss;
    if (!this.#mayAsk(question.slots)) {
      this.#counts.skipped += 1;
      return miss;
    }
    const loading = this.#loading.get(question.key);
    if (loading?.stamp === stamp) return loading.miss;
    const flight = this.#reads.find(question.key, stamp);
    return flight?.answer ?? this.#reads.begin(question.key, stamp, () => this.#look(question, stamp, now));
  }

  /**
   * Keeps an answer.
   *
   * @param question what was asked
   * @param entry the answer, with its row
   * @param fence as the miss had it
   * @returns whether it is kept; it never rejects
   */
  async store(question: CacheQuestion, entry: CacheEntry, fence: unknown): Promise<boolean> {
    const token = this.#endLoading(question, fence);
    if (!isFence(fence) || question.isSensitive || !this.#mayAsk(question.slots)) {
      this.#release(question, token);
      return false;
    }
    const life = {
      whole: Math.round(entry.staleUntil - entry.storedAt),
      stale: Math.round(entry.staleUntil - entry.freshUntil),
    };
    const left = Math.floor(entry.staleUntil - this.#monotonic());
    const payload = left < 1 ? undefined : this.#write(question, entry, life, fence);
    if (payload === undefined) {
      this.#release(question, token);
      return false;
    }
    const { incarnation, sum } = fence;
    const end = Math.floor(entry.staleUntil + fence.ahead);
    const args = [incarnation, slotsText(question), sum, payload, `${left}`, `${end}`, token];
    const kept = await this.#line.ask((connection) =>
      runScript(connection, 'store', this.#keysOf(question), args),
    );
    return Number(kept) === 1;
  }

  /**
   * Hears that a load came to nothing, and lets others load.
   *
   * @param question what was asked
   * @param fence as the miss had it
   */
  giveUp(question: CacheQuestion, fence: unknown): void {
    this.#release(question, this.#endLoading(question, fence));
  }

  /**
   * Makes invalid what depends on slots, for all who share the server.
   *
   * @param slots what has changed
   * @returns settles when the server has confirmed it, or when this process reads nothing there that depends on them; it
   *   never rejects
   */
  async move(slots: readonly number[]): Promise<void> {
    await this.#moves.move(slots);
  }

  /**
   * Looks for an explanation.
   *
   * @param question what is asked
   * @param stamp as for `read`; undefined while one of its slots is closed
   * @returns the entry; undefined where there is none
   */
  async peek(question: CacheQuestion, stamp: number | undefined): Promise<CacheEntry | undefined> {
    if (question.isSensitive || stamp === undefined || !this.#mayAsk(question.slots)) return undefined;
    const now = this.#monotonic();
    const reply = await this.#ask(question, '');
    return reply && this.#entryOf(question, reply, { stamp, now });
  }

  /** There is nothing in this process. */
  clear(): void {}

  /** @returns what it keeps and has done */
  stats(): RedisStoreStats {
    const { unconfirmed } = this.#moves;
    return { entries: 0, bytes: 0, regions: {}, ...this.#counts, isUp: this.#line.isUp, unconfirmed };
  }

  /** Ends its connections, when it has told the server once more of what that has not confirmed. Never rejects. */
  async close(): Promise<void> {
    const { clock, timeLimit } = this.#options;
    if (this.#moves.unconfirmed > 0 && (await this.#line.tryNow())) {
      await within(clock, timeLimit, this.#moves.settle());
    }
    this.#line.close();
    const { unconfirmed } = this.#moves;
    if (unconfirmed === 0) return;
    this.#logger.warn(
      { slots: unconfirmed },
      'a cache was closed before its server had confirmed all changes: others may be given what is older',
    );
  }

  /**
   * Ends a load. Somebody who has joined it later may have taken the lock, where it began without.
   *
   * @returns the token of the lock that this process holds for it; empty where it holds none
   */
  #endLoading({ key }: CacheQuestion, fence: unknown): string {
    const joined = this.#loading.get(key)?.miss.fence;
    this.#loading.delete(key);
    return [fence, joined].filter(isFence).find(({ token }) => token !== '')?.token ?? '';
  }

  #release(question: CacheQuestion, token: string): void {
    if (token === '') return;
    const keys = [`${question.sharedKey()}:lock`];
    void this.#line.ask((connection) => runScript(connection, 'release', keys, [token]));
  }

  get #channel(): string {
    return `${this.#prefix}:moves`;
  }

  get #stampsKey(): string {
    return `${this.#prefix}:stamps`;
  }

  #keysOf(question: CacheQuestion): readonly string[] {
    const key = question.sharedKey();
    return [this.#stampsKey, key, `${key}:lock`];
  }

  #mayAsk(slots: readonly number[]): boolean {
    // What depends on more slots is not kept there.
    return this.#line.isUp && slots.length <= mostSlots && this.#moves.areConfirmed(slots);
  }

  /** Waits for the load of another process, for a while. */
  async #look(question: CacheQuestion, stamp: number, now: number): Promise<CacheEntry | CacheMiss> {
    const { lock, lockWait, clock } = this.#options;
    // The same for all of this process: a lock whose answer was lost is still its own.
    const token = lock ? this.#source : '';
    const end = clock.monotonic() + lockWait;
    for (let delay = firstPoll; ; delay = Math.min(delay * 2, longestPoll)) {
      const askedAt = delay === firstPoll ? now : this.#monotonic();
      const reply = await this.#ask(question, token);
      if (reply === undefined) return miss;
      const entry = this.#entryOf(question, reply, { stamp, now: askedAt });
      if (entry !== undefined) {
        this.#counts.hits += 1;
        return entry;
      }
      if (reply.lock !== 'other' || clock.monotonic() >= end) {
        this.#counts.misses += 1;
        const found: CacheMiss = { isHit: false, fence: reply.fence };
        this.#loading.set(question.key, { stamp, miss: found });
        return found;
      }
      if (delay === firstPoll) this.#counts.waits += 1;
      await sleep(clock, delay);
      if (!this.#mayAsk(question.slots)) return miss;
    }
  }

  async #ask(question: CacheQuestion, token: string): Promise<RedisReply | undefined> {
    const { maxBytes, lockTime } = this.#options;
    const seed = loadCrypto().randomBytes(9).toString('base64url');
    const slots = slotsText(question);
    const args = [seed, slots, `${maxBytes}`, token, `${lockTime}`];
    const reply = await this.#line.ask((connection) =>
      runScript(connection, 'read', this.#keysOf(question), args),
    );
    if (!Array.isArray(reply)) return undefined;
    const [isFound, incarnation, sum, fourth, fifth, time] = reply as unknown[];
    const ahead = Number(time) - this.#monotonic();
    const fence = { incarnation: String(incarnation), sum: String(sum), token: '', ahead };
    if (Number(isFound) === 1) {
      return {
        fence,
        lock: 'none',
        found: { payload: String(fourth), left: Number(fifth) },
      };
    }
    const lock = fourth === 'own' || fourth === 'other' ? fourth : 'none';
    if (Number(fifth) === 1) this.#notePoison(question);
    return { fence: { ...fence, token: lock === 'own' ? token : '' }, lock, found: undefined };
  }

  /** The entry that a reply holds; undefined where it holds none, or none that can be read. */
  #entryOf(
    question: CacheQuestion,
    { fence, found }: RedisReply,
    asked: { readonly stamp: number; readonly now: number },
  ): CacheEntry | undefined {
    if (found === undefined) return undefined;
    const { tier } = this;
    const entry = readEntry(question, found, { fence, seal: this.#options.seal }, { ...asked, tier });
    if (entry === undefined) this.#notePoison(question);
    return entry;
  }

  /** What is kept of an answer; undefined where it does not fit. */
  #write(
    question: CacheQuestion,
    entry: CacheEntry,
    life: AnswerLife,
    fence: RedisFence,
  ): string | undefined {
    const { seal, maxBytes } = this.#options;
    try {
      const payload = writePayload(question, entry, life, { fence, seal });
      return payload === undefined || Buffer.byteLength(payload) > maxBytes ? undefined : payload;
    } catch (error) {
      this.#logger.warn({ error, region: question.region }, 'a cached answer could not be sealed');
      return undefined;
    }
  }

  #goUp(): void {
    this.#firstUp.resolve();
    this.#bus?.ping();
    this.#tell({ type: 'up' });
    void this.#moves.settle();
  }

  #goDown(reason: string): void {
    this.#counts.downs += 1;
    this.#tell({ type: 'down', reason });
  }

  #notePoison({ region }: CacheQuestion): void {
    this.#counts.poisoned += 1;
    this.#tell({ type: 'poison', region });
  }

  #tell(event: RedisStoreEvent): void {
    if (event.type === 'up' || event.type === 'confirmed') {
      this.#logger.info(event, 'the server of a cache works');
    } else this.#logger.warn(event, 'the server of a cache does not work as it should');
    try {
      this.#options.onEvent(event);
    } catch {
      // There is nobody to tell.
    }
  }
}

/** A replica may lack what was changed last. */
function requirePrimary(replication: unknown): void {
  if (!/^role:master\r?$/m.test(String(replication))) throw new Error('READONLY');
}

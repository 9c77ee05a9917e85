import { systemClock, type Clock } from '../../foundation/clock.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { KeySetUnavailableError } from '../../foundation/errors/key-set-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import { silentLogger, type Logger } from '../../foundation/logger.ts';
import { quietLogger } from '../../foundation/quiet-logger.ts';
import { checkWhole } from './check-whole.ts';
import { fetchKeySet, parseKeySetUrl, type FetchLimits } from './fetch-key-set.ts';
import type { AsymmetricAlgorithm, TokenAlgorithm } from './token-algorithm.ts';
import { readPublishedKey, type TokenKey } from './token-key.ts';
import type { TokenKeySource } from './token-keys.ts';

/** Where a published key set is, and how far it is trusted. Times in ms. */
export interface RemoteKeySetOptions {
  /** An https address; http for loopback alone. No token can change it. */
  readonly url: string;
  /** The algorithms of which keys are taken. A key that names none serves the one of them that fits its type. */
  readonly algorithms: readonly [AsymmetricAlgorithm, ...AsymmetricAlgorithm[]];
  /** How long the whole answer may take, from 10 to 60,000. 5,000 by default. */
  readonly timeout?: number;
  /** The largest answer in bytes, from 256 to 1,048,576. 65,536 by default. */
  readonly maxBytes?: number;
  /** The age from which the keys are fetched anew, from 1,000. 600,000 by default. */
  readonly maxAge?: number;
  /** The age from which they count no more, where they cannot be fetched, from `maxAge`. 3,600,000 by default. */
  readonly maxStale?: number;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
  /** Hears what goes wrong. Silent by default. */
  readonly logger?: Logger;
}

/** The least pause between two requests that an unknown key id or a failure asks for, in ms. */
const cooldown = 30_000;
/** More keys than this are no rotation. */
const mostKeys = 100;
const longest = 7 * 24 * 60 * 60 * 1_000;

/**
 * The public keys of another issuer, from the address where it publishes them. They are fetched when a token asks for
 * them and kept; an unknown key id asks again, at most once in 30 s, whoever sends tokens. There is no timer.
 *
 * @example
 * const keys = new RemoteKeySet({ url: 'https://login.example/.well-known/jwks.json', algorithms: ['RS256'] });
 */
export class RemoteKeySet implements TokenKeySource {
  readonly #limits: FetchLimits;
  readonly #algorithms: readonly AsymmetricAlgorithm[];
  readonly #maxAge: number;
  readonly #maxStale: number;
  readonly #logger: Logger;
  #keys: ReadonlyMap<string, TokenKey> = new Map();
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;

  /**
   * @param options where the key set is; nothing is fetched yet
   * @throws ConfigurationError where the address is neither https nor loopback, or a limit is out of its range
   */
  constructor(options: RemoteKeySetOptions) {
    const { clock = systemClock, timeout = 5_000, maxBytes = 65_536, maxAge = 600_000 } = options;
    const { maxStale = Math.max(maxAge, 3_600_000) } = options;
    const issues: Issue[] = [];
    checkWhole(issues, ['timeout'], timeout, 10, 60_000);
    checkWhole(issues, ['maxBytes'], maxBytes, 256, 1_048_576);
    checkWhole(issues, ['maxAge'], maxAge, 1_000, longest);
    checkWhole(issues, ['maxStale'], maxStale, maxAge, longest);
    if (issues.length > 0) throw new ConfigurationError(issues);
    this.#limits = { url: parseKeySetUrl(options.url), timeout, maxBytes, clock };
    this.#algorithms = options.algorithms;
    this.#maxAge = maxAge;
    this.#maxStale = maxStale;
    this.#logger = quietLogger(options.logger ?? silentLogger);
  }

  /** The algorithms of which keys are taken. */
  get algorithms(): readonly AsymmetricAlgorithm[] {
    return this.#algorithms;
  }

  /**
   * Finds the key of an id, for one algorithm alone; it may fetch the key set for that.
   *
   * @param kid the id, as a token names it
   * @param alg the algorithm, as a token names it
   * @returns undefined where there is none of that id, or it is for another algorithm
   * @throws KeySetUnavailableError where there are no keys that still count, and none can be fetched
   */
  async findKey(kid: string, alg: TokenAlgorithm): Promise<TokenKey | undefined> {
    if (this.#age() >= this.#maxAge || !this.#keys.has(kid)) await this.#fetchSoon();
    if (this.#age() >= this.#maxStale) throw new KeySetUnavailableError(this.#limits.url.origin);
    const key = this.#keys.get(kid);
    return key?.alg === alg ? key : undefined;
  }

  #age(): number {
    return this.#limits.clock.monotonic() - this.#fetchedAt;
  }

  /** Whoever comes meanwhile waits for the same answer. Never rejects. */
  #fetchSoon(): Promise<void> {
    const now = this.#limits.clock.monotonic();
    // What was fetched and is too old waits for no pause: with a `maxStale` below it there would be no keys meanwhile.
    const isDue = this.#triedAt === this.#fetchedAt && this.#age() >= this.#maxAge;
    if (this.#fetching === undefined && (isDue || now - this.#triedAt >= cooldown)) {
      this.#triedAt = now;
      this.#fetching = this.#fetch(now).finally(() => (this.#fetching = undefined));
    }
    return this.#fetching ?? Promise.resolve();
  }

  async #fetch(now: number): Promise<void> {
    try {
      this.#keys = this.#read(await fetchKeySet(this.#limits));
      this.#fetchedAt = now;
    } catch (error) {
      // Without its query, which may hold a key.
      const { origin, pathname } = this.#limits.url;
      this.#logger.warn({ error, url: `${origin}${pathname}` }, 'a key set could not be fetched');
    }
  }

  #read(published: readonly Readonly<Record<string, unknown>>[]): ReadonlyMap<string, TokenKey> {
    const keys = new Map<string, TokenKey>();
    for (const jwk of published.slice(0, mostKeys)) {
      const key = readPublishedKey(jwk, this.#algorithms);
      const reason =
        typeof key === 'string' ? key : keys.has(key.kid) ? 'its id was there before' : undefined;
      if (reason !== undefined) this.#logger.warn({ reason }, 'a published key is left out');
      else if (typeof key === 'object') keys.set(key.kid, key);
    }
    return keys;
  }
}

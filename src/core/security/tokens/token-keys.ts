import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import type { TokenAlgorithm } from './token-algorithm.ts';
import { parseTokenKey, type TokenKey, type TokenKeyInput } from './token-key.ts';

/** Where a verifier finds the key of a token. */
export interface TokenKeySource {
  /**
   * Finds the key of an id, for one algorithm alone.
   *
   * @returns undefined where there is none of that id, or it is for another algorithm
   */
  findKey(kid: string, alg: TokenAlgorithm): TokenKey | undefined | Promise<TokenKey | undefined>;
}

/** A key set as it is published: public keys alone. */
export interface PublishedKeySet {
  /** The keys, each with `kid`, `alg` and `use: 'sig'`. */
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The keys of tokens: the first signs, all verify. Each has an id and serves one algorithm alone. It does not change;
 * a rotation is a new one: first the new key in front and the old one behind it, and without the old one once the
 * last token that it has signed is past its time.
 *
 * @example
 * const keys = TokenKeys.of([{ kid: '2026-02', alg: 'EdDSA', privateKey }, { kid: '2026-01', alg: 'EdDSA', publicKey }]);
 */
export class TokenKeys implements TokenKeySource {
  readonly #keys: ReadonlyMap<string, TokenKey>;
  readonly #signing: TokenKey | undefined;

  private constructor(keys: readonly TokenKey[]) {
    this.#keys = new Map(keys.map((key) => [key.kid, key]));
    this.#signing = keys.find(({ signing }) => signing !== undefined);
  }

  /**
   * Checks keys.
   *
   * @param keys one or more; the first that can sign signs
   * @returns the keys, frozen
   * @throws ConfigurationError with every fault: a weak key, one that does not fit its algorithm, an id twice
   * @example
   * const keys = TokenKeys.of([{ kid: '2026-01', alg: 'HS256', secret: new Secret(process.env.TOKEN_SECRET ?? '') }]);
   */
  static of(keys: readonly TokenKeyInput[]): TokenKeys {
    const issues: Issue[] = [];
    if (keys.length === 0) issues.push({ path: ['keys'], message: 'must have at least one key' });
    const parsed = keys.map((key, index) => parseTokenKey(key, ['keys', index], issues));
    const ids = new Set<string>();
    for (const [index, { kid }] of keys.entries()) {
      if (ids.has(kid)) issues.push({ path: ['keys', index, 'kid'], message: 'is the id of another key' });
      ids.add(kid);
    }
    if (issues.length > 0) throw new ConfigurationError(issues);
    return new TokenKeys(parsed.filter((key) => key !== undefined));
  }

  /** The ids of the keys, in their order. */
  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** The algorithms of the keys. */
  get algorithms(): readonly TokenAlgorithm[] {
    return [...new Set([...this.#keys.values()].map(({ alg }) => alg))];
  }

  /** The key that signs; undefined where all of them verify alone. */
  get signing(): TokenKey | undefined {
    return this.#signing;
  }

  /**
   * Finds the key of an id, for one algorithm alone. No other key is tried.
   *
   * @param kid the id, as a token names it
   * @param alg the algorithm, as a token names it
   * @returns undefined where there is none of that id, or it is for another algorithm
   */
  findKey(kid: string, alg: TokenAlgorithm): TokenKey | undefined {
    const key = this.#keys.get(kid);
    return key?.alg === alg ? key : undefined;
  }

  /**
   * The key set that other services verify by, for `/.well-known/jwks.json`.
   *
   * @returns public keys alone; a shared secret is never among them
   * @example
   * response.json(keys.toJwks());
   */
  toJwks(): PublishedKeySet {
    const published = [...this.#keys.values()].filter(({ verifying }) => verifying.type === 'public');
    return {
      keys: published.map(({ kid, alg, verifying }) => ({
        ...verifying.export({ format: 'jwk' }),
        kid,
        alg,
        use: 'sig',
      })),
    };
  }
}

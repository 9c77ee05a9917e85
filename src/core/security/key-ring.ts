import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { UnknownKeyError } from '../foundation/errors/security-errors.ts';
import type { Issue } from '../foundation/issue.ts';
import type { MacKeys } from '../foundation/mac-keys.ts';
import { Secret, redacted } from '../foundation/secret.ts';
import { readBase64 } from './base64.ts';
import { isKeyId } from './key-id.ts';
import { readKeysFromEnv } from './keys-from-env.ts';
import { RingKey } from './ring-key.ts';
import { findKeyWeakness } from './weak-key.ts';

// By its registered symbol, so that the declarations need no types of Node.
const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** A key as it is handed to a ring. */
export interface KeyInput {
  /** What stored values name it by: 1 to 64 letters, digits, dots, underscores and hyphens. Never use one again for other bytes. */
  readonly id: string;
  /** 32 random bytes, or a Secret with their base64. */
  readonly key: Uint8Array | Secret;
}

const remedy = 'make a good one with `liminal-data keys generate`';

/**
 * The keys of an application: the first one seals, each of them opens what it has sealed. A value names its key,
 * so no key is ever tried. A ring does not change; it is never printed. It does not fetch keys: `openKeyRing`
 * does that from a KeyProvider.
 *
 * @example
 * const ring = KeyRing.fromEnv(); // LIMINAL_ENCRYPTION_KEY, or LIMINAL_ENCRYPTION_KEY_FILE
 * const cipher = new FieldCipher(ring);
 */
export class KeyRing implements MacKeys {
  readonly #active: RingKey;
  readonly #keys: ReadonlyMap<string, RingKey>;

  private constructor(keys: readonly [RingKey, ...RingKey[]]) {
    this.#active = keys[0];
    this.#keys = new Map(keys.map((key) => [key.id, key]));
  }

  /**
   * Makes a ring. Weak, known and repeated keys are refused, whatever the environment.
   *
   * @param keys at least one; the first seals
   * @returns the ring
   * @throws ConfigurationError with every fault, each with the place of its key; never the key
   * @example
   * const ring = KeyRing.of([{ id: '2026-07', key: randomBytes(32) }]);
   */
  static of(keys: readonly KeyInput[]): KeyRing {
    const issues: Issue[] = [];
    const ringKeys = keys.flatMap(({ id, key }, index) => makeRingKey(id, key, index, issues));
    ringKeys.forEach((key, index) => {
      const earlier = ringKeys.slice(0, index);
      if (earlier.some(({ id }) => id === key.id)) {
        issues.push({ path: [index, 'id'], message: 'is the id of an earlier key; each needs its own' });
      } else if (earlier.some((other) => other.hasBytesOf(key))) {
        issues.push({ path: [index, 'key'], message: `is the same as an earlier key; ${remedy}` });
      }
    });
    const [first, ...others] = ringKeys;
    if (keys.length === 0) issues.push({ path: [], message: `A key ring needs a key: ${remedy}.` });
    if (first === undefined || issues.length > 0) throw new ConfigurationError(issues);
    return new KeyRing([first, ...others]);
  }

  /**
   * Makes a ring of `LIMINAL_ENCRYPTION_KEY`: the base64 of 32 bytes, or several with commas between them, each
   * with its id as `id:base64`. The first seals. A key without an id has one that is made of its bytes, the same
   * that `liminal-data keys generate` prints. `LIMINAL_ENCRYPTION_KEY_FILE` may name a file with the same text
   * instead, which only its owner and group may read.
   *
   * @param env the variables; those of the process by default
   * @returns the ring
   * @throws ConfigurationError where neither or both are set, the file cannot be read or is open to others, or a
   *   key is no good; never with the key
   * @example
   * const ring = KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY_FILE: '/run/secrets/keys' });
   */
  static fromEnv(env: Readonly<Record<string, string | undefined>> = process.env): KeyRing {
    const { variable, keys } = readKeysFromEnv(env);
    try {
      return KeyRing.of(keys);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      throw new ConfigurationError(
        error.issues.map(({ path, message }) => ({ path: [variable, ...path], message })),
      );
    }
  }

  /** The id of the key that seals. */
  get activeId(): string {
    return this.#active.id;
  }

  /** The ids of all keys; the one that seals is the first. */
  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /**
   * Tells whether the ring has a key.
   *
   * @param id as a stored value names it
   * @returns whether it has; it never throws
   */
  has(id: string): boolean {
    return this.#keys.has(id);
  }

  /**
   * Finds a key by its id. No other key is tried.
   *
   * @param id as a stored value names it
   * @returns the key
   * @throws UnknownKeyError where the ring does not have it
   */
  find(id: string): RingKey {
    const key = this.#keys.get(id);
    if (key !== undefined) return key;
    if (!isKeyId(id)) throw new UnknownKeyError('A key was asked for by what is no id of a key.');
    throw new UnknownKeyError(
      `The key ring has no key ${id}. It has ${this.ids.join(', ')}; no other key is tried.`,
      id,
    );
  }

  /**
   * Makes the code of a text: HMAC-SHA-256 with a key of its own for each purpose. For rooms such as the audit trail,
   * that must tell what they wrote from what others did.
   *
   * @param purpose what the code is for; another one gives an unrelated code
   * @param text well-formed text
   * @param keyId which key; the active one by default
   * @returns 64 hexadecimal digits in lower case
   * @throws UnknownKeyError where the ring does not have the key
   */
  mac(purpose: string, text: string, keyId?: string): string {
    return (keyId === undefined ? this.#active : this.find(keyId)).mac(purpose, text);
  }

  /**
   * The same keys with another one that seals.
   *
   * @param key the id of a key of the ring, or a new key
   * @returns a new ring; this one stays as it is
   * @throws UnknownKeyError where the ring has no key of that id; ConfigurationError where a new key is no good
   * @example
   * const next = ring.withActive({ id: '2026-08', key: randomBytes(32) });
   */
  withActive(key: string | KeyInput): KeyRing {
    const active = typeof key === 'string' ? this.find(key) : this.#makeNew(key);
    return new KeyRing([active, ...[...this.#keys.values()].filter((other) => other !== active)]);
  }

  /**
   * The same keys without one. What it has sealed no longer opens: rotate first.
   *
   * @param id of a key that is not the active one
   * @returns a new ring; this one stays as it is
   * @throws UnknownKeyError where there is no such key; ConfigurationError where it is the active one
   */
  without(id: string): KeyRing {
    const gone = this.find(id);
    if (gone === this.#active) {
      throw new ConfigurationError(`The key ${id} seals; make another one active before it goes.`);
    }
    return new KeyRing([this.#active, ...[...this.#keys.values()].filter(isNeither(gone, this.#active))]);
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [inspectCustom](): string {
    return redacted;
  }

  #makeNew(input: KeyInput): RingKey {
    const issues: Issue[] = [];
    const [made] = makeRingKey(input.id, input.key, 0, issues);
    if (this.#keys.has(input.id)) {
      issues.push({ path: ['id'], message: 'is the id of a key of the ring; each needs its own' });
    } else if (made !== undefined && [...this.#keys.values()].some((key) => key.hasBytesOf(made))) {
      issues.push({ path: ['key'], message: `is the same as a key of the ring; ${remedy}` });
    }
    if (made === undefined || issues.length > 0) throw new ConfigurationError(issues);
    return made;
  }
}

function isNeither(...keys: readonly RingKey[]): (key: RingKey) => boolean {
  return (key) => !keys.includes(key);
}

function makeRingKey(id: unknown, key: unknown, index: number, issues: Issue[]): RingKey[] {
  const before = issues.length;
  if (typeof id !== 'string' || !isKeyId(id)) {
    const message = 'must be 1 to 64 letters, digits, dots, underscores and hyphens';
    issues.push({ path: [index, 'id'], message });
  }
  const bytes = readKeyBytes(key);
  const weakness =
    bytes === undefined ? 'must be bytes, or a Secret with their base64' : findKeyWeakness(bytes);
  if (weakness !== undefined) issues.push({ path: [index, 'key'], message: `${weakness}; ${remedy}` });
  return issues.length > before || bytes === undefined ? [] : [new RingKey(String(id), bytes)];
}

function readKeyBytes(key: unknown): Uint8Array | undefined {
  if (key instanceof Uint8Array) return key;
  return key instanceof Secret ? readBase64(key.reveal()) : undefined;
}

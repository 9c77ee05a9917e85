import type { KeyObject } from 'node:crypto';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { makeHmac } from './hmac.ts';
import { redacted } from '../foundation/secret.ts';
import { keyLength } from './weak-key.ts';

// By its registered symbol, so that the declarations need no types of Node.
const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/**
 * A key of a ring. It gives out no bytes, and is never printed. It is not used itself: each purpose has a key
 * of its own that is derived from it by HKDF-SHA-256 (RFC 5869), so that what is done for one purpose says
 * nothing about another.
 */
export class RingKey {
  /** What stored values name it by. */
  readonly id: string;
  readonly #key: KeyObject;
  readonly #derived = new Map<string, KeyObject>();
  readonly #macs = new Map<string, (text: string) => string>();
  #sealed = 0;

  /**
   * @param id as in `KeyRing.of`
   * @param bytes 32 random bytes, checked; they are copied
   */
  constructor(id: string, bytes: Uint8Array) {
    this.id = id;
    this.#key = loadCrypto().createSecretKey(bytes);
  }

  /** How many values this object has sealed, in this process. */
  get sealed(): number {
    return this.#sealed;
  }

  /** Counts a value that is about to be sealed. */
  countSeal(): void {
    this.#sealed += 1;
  }

  /**
   * Tells whether two keys have the same bytes, in constant time.
   *
   * @param other another key
   * @returns whether they have
   */
  hasBytesOf(other: RingKey): boolean {
    return this.#key.equals(other.#key);
  }

  /**
   * The key of one purpose, made once and kept.
   *
   * @param label what the key is for, such as `field 1`; another label gives an unrelated key
   * @returns a key of 32 bytes
   */
  derive(label: string): KeyObject {
    const kept = this.#derived.get(label);
    if (kept !== undefined) return kept;
    const { createSecretKey, hkdfSync } = loadCrypto();
    const bytes = hkdfSync('sha256', this.#key, '', `liminal-data ${label}`, keyLength);
    const derived = createSecretKey(Buffer.from(bytes));
    this.#derived.set(label, derived);
    return derived;
  }

  /**
   * Makes the code of a text, as `KeyRing.mac` does.
   *
   * @param purpose what the code is for
   * @param text well-formed text
   * @returns 64 hexadecimal digits in lower case
   */
  mac(purpose: string, text: string): string {
    let mac = this.#macs.get(purpose);
    if (mac === undefined) {
      mac = makeHmac(this.derive(`mac 1 ${purpose}`));
      this.#macs.set(purpose, mac);
    }
    return mac(text);
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
}

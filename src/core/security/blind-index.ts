import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { Secret } from '../foundation/secret.ts';
import { isKeyId } from './key-id.ts';
import type { KeyRing } from './key-ring.ts';
import type { RingKey } from './ring-key.ts';

/** The column that a blind index stands for. */
export interface BlindIndexPlace {
  /** The table; not empty. */
  readonly table: string;
  /** The encrypted column, not the one that holds the index; not empty. */
  readonly column: string;
}

/** How a blind index is made. */
export interface BlindIndexOptions {
  /**
   * How many bits of the code are kept, from 8 to 256; 256 by default. With fewer, different values share a code:
   * the index tells less about them, and a search has to open what it finds and compare. Changing it makes every
   * stored code useless.
   */
  readonly bits?: number;
}

/**
 * A code for a value by which an encrypted column can be searched for equality: HMAC-SHA-256 with a key of its
 * own for each column. Whoever reads the table sees which rows have equal values and how often a value comes, and
 * nothing else without the key. It does not normalise: hand it lower-case e-mail addresses, if case does not count.
 *
 * @example
 * const index = new BlindIndex(ring, { table: 'users', column: 'email' });
 * row.email_index = index.of(email.toLowerCase());
 * await users.find({ emailIndex: { in: index.candidates('ann@example.org') } });
 */
export class BlindIndex {
  readonly #ring: KeyRing;
  readonly #label: string;
  readonly #bits: number;

  /**
   * @param ring whose active key makes new codes
   * @param place the encrypted column
   * @param options how much of a code is kept
   * @throws ConfigurationError where the place or an option is no good
   */
  constructor(ring: KeyRing, place: BlindIndexPlace, options: BlindIndexOptions = {}) {
    const { table, column } = place;
    const { bits = 256 } = options;
    const issues = Object.entries({ table, column })
      .filter(([, name]) => typeof name !== 'string' || name === '' || !name.isWellFormed())
      .map(([field]) => ({ path: [field], message: 'must be well-formed text that is not empty' }));
    if (!Number.isInteger(bits) || bits < 8 || bits > 256) {
      issues.push({ path: ['bits'], message: 'must be an integer from 8 to 256' });
    }
    if (issues.length > 0) throw new ConfigurationError(issues);
    this.#ring = ring;
    // As JSON, so that no two columns have the same label.
    this.#label = `index 1 ${JSON.stringify([table, column])}`;
    this.#bits = bits;
  }

  /**
   * The code of a value by the active key, to be stored.
   *
   * @param value well-formed text, normalised as the search will be
   * @returns `<keyId>:<code in base64url>`; the same for the same value and key
   * @throws ValidationError where the value is not well-formed text
   */
  of(value: string | Secret): string {
    return this.#codeBy(this.#ring.find(this.#ring.activeId), value);
  }

  /**
   * The codes of a value by every key of the ring: what a search asks for, so that it finds rows while their codes
   * are being made anew.
   *
   * @param value as for `of`
   * @returns a code for each key, the active one's first
   * @throws ValidationError where the value is not well-formed text
   */
  candidates(value: string | Secret): readonly string[] {
    return this.#ring.ids.map((id) => this.#codeBy(this.#ring.find(id), value));
  }

  /**
   * Tells which key a code was made by.
   *
   * @param code a stored code
   * @returns the id of the key, which the ring may not have; undefined where the text is no code
   */
  keyIdOf(code: string): string | undefined {
    const [id = '', body, ...rest] = code.split(':', 3);
    return body !== undefined && rest.length === 0 && isKeyId(id) ? id : undefined;
  }

  #codeBy(key: RingKey, value: string | Secret): string {
    const text = value instanceof Secret ? value.reveal() : value;
    if (typeof text !== 'string' || !text.isWellFormed()) {
      throw new ValidationError('A value of a blind index must be text without lone surrogates.');
    }
    const whole = loadCrypto().createHmac('sha256', key.derive(this.#label)).update(text).digest();
    return `${key.id}:${this.#cut(whole).toString('base64url')}`;
  }

  #cut(whole: Buffer): Buffer {
    const cut = whole.subarray(0, Math.ceil(this.#bits / 8));
    const spare = (8 - (this.#bits % 8)) % 8;
    const last = cut.length - 1;
    cut[last] = (cut[last] ?? 0) & (0xff << spare);
    return cut;
  }
}

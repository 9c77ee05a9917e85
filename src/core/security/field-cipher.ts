import { DecryptionError, KeyExhaustedError } from '../foundation/errors/security-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { silentLogger, type Logger } from '../foundation/logger.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { Secret } from '../foundation/secret.ts';
import { encodePlace, type CipherPlace } from './cipher-place.ts';
import { parseFieldCipherOptions, type FieldCipherOptions, type SealLimits } from './field-cipher-options.ts';
import { ivLength, readEnvelope, tagLength, writeHeader, type Envelope } from './envelope.ts';
import type { KeyRing } from './key-ring.ts';
import type { RingKey } from './ring-key.ts';

/** What a cipher has done since it was made. */
export interface FieldCipherStats {
  /** Values sealed. */
  readonly sealed: number;
  /** Values opened. */
  readonly opened: number;
  /** Values that did not open, by their cause. The error that callers see does not tell them apart. */
  readonly refused: {
    /** No envelope, or none of this version. */
    readonly form: number;
    /** The ring does not have its key. */
    readonly key: number;
    /** Changed, cut, moved, or sealed with other bytes under the same id. */
    readonly authentication: number;
  };
}

/** Names the derived key. Another way to use the key would have another number. */
const purpose = 'field 1';

/**
 * Seals and opens single values with AES-256-GCM. Each value has a random initialisation vector of 96 bits and a
 * tag of 128 bits, and is bound to its place. It hides neither the length of a value nor that a value was
 * replaced by an older one of the same place. It sends nothing: whoever stores the text does.
 *
 * @example
 * const cipher = new FieldCipher(KeyRing.fromEnv());
 * const place = { table: 'api_keys', column: 'secret', row: [userId, 'openai'] };
 * const envelope = cipher.seal('sk-…', place); // liminal:1:k1a2b3c4d5e:…
 * cipher.open(envelope, place).reveal();
 */
export class FieldCipher {
  readonly #ring: KeyRing;
  readonly #limits: SealLimits;
  readonly #logger: Logger;
  readonly #refused = { form: 0, key: 0, authentication: 0 };
  #sealed = 0;
  #opened = 0;

  /**
   * @param ring whose active key seals
   * @param options limits, and who hears of them
   * @throws ConfigurationError where an option is out of its range
   */
  constructor(ring: KeyRing, options: FieldCipherOptions = {}) {
    this.#ring = ring;
    this.#limits = parseFieldCipherOptions(options);
    this.#logger = options.logger ?? silentLogger;
  }

  /**
   * Seals a value with the active key. The same value gives another text each time.
   *
   * @param plaintext well-formed text; it may be empty
   * @param place where it will lie; it has to be the same when it is opened
   * @returns the envelope: ASCII without blanks, about 4/3 of the bytes of the value and 60 to 120 more
   * @throws ValidationError where the text or a part of the place is not well-formed; KeyExhaustedError where the
   *   key has sealed as many values as it may
   */
  seal(plaintext: string | Secret, place: CipherPlace): string {
    const text = plaintext instanceof Secret ? plaintext.reveal() : plaintext;
    if (typeof text !== 'string' || !text.isWellFormed()) {
      throw new ValidationError('A value that is to be sealed must be text without lone surrogates.');
    }
    const { createCipheriv, randomBytes } = loadCrypto();
    const key = this.#ring.find(this.#ring.activeId);
    const iv = randomBytes(ivLength);
    const header = writeHeader(key.id, iv);
    const data = encodePlace(header, place);
    this.#count(key);
    const cipher = createCipheriv('aes-256-gcm', key.derive(purpose), iv, { authTagLength: tagLength });
    cipher.setAAD(data);
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    this.#sealed += 1;
    return header + body.toString('base64url');
  }

  /**
   * Opens a value with the key that it names. No other key is tried.
   *
   * @param envelope what `seal` returned
   * @param place where the value lies
   * @returns the value; nothing of it is given out before all of it is authenticated
   * @throws DecryptionError where it does not open, whatever the cause; ValidationError where a part of the place
   *   is not well-formed
   */
  open(envelope: string, place: CipherPlace): Secret {
    const outcome = this.#unseal(envelope, place);
    if (outcome instanceof Secret) {
      this.#opened += 1;
      return outcome;
    }
    this.#refused[outcome] += 1;
    throw new DecryptionError(place);
  }

  /**
   * Tells which key a value was sealed with, by its header alone: it need not open.
   *
   * @param envelope a stored value
   * @returns the id of the key, which the ring may not have; undefined where the value is no envelope
   */
  keyIdOf(envelope: string): string | undefined {
    return readEnvelope(envelope)?.keyId;
  }

  /**
   * Counts for metrics.
   *
   * @returns what was sealed, opened and refused since the cipher was made
   */
  stats(): FieldCipherStats {
    return { sealed: this.#sealed, opened: this.#opened, refused: { ...this.#refused } };
  }

  #count(key: RingKey): void {
    const { limit, warning, before } = this.#limits;
    const sealed = key.sealed + (before.get(key.id) ?? 0);
    if (sealed >= limit) throw new KeyExhaustedError(key.id, limit);
    key.countSeal();
    if (sealed + 1 !== warning) return;
    this.#logger.warn(
      { keyId: key.id, sealed: warning, limit },
      'A key has sealed so many values that it should be replaced; make a new one with `liminal-data keys generate` and rotate.',
    );
  }

  /** The value, or why there is none. One place throws for all causes, so that not even a stack tells them apart. */
  #unseal(envelope: string, place: CipherPlace): Secret | keyof FieldCipherStats['refused'] {
    const parts = typeof envelope === 'string' ? readEnvelope(envelope) : undefined;
    const data = encodePlace(parts?.header ?? '', place);
    if (parts === undefined) return 'form';
    if (!this.#ring.has(parts.keyId)) return 'key';
    const plaintext = decrypt(this.#ring.find(parts.keyId), parts, data);
    return plaintext === undefined ? 'authentication' : new Secret(plaintext);
  }
}

function decrypt(key: RingKey, { iv, ciphertext, tag }: Envelope, data: Buffer): string | undefined {
  const { createDecipheriv } = loadCrypto();
  const decipher = createDecipheriv('aes-256-gcm', key.derive(purpose), iv, { authTagLength: tagLength });
  decipher.setAAD(data);
  decipher.setAuthTag(tag);
  const opened = decipher.update(ciphertext);
  try {
    return Buffer.concat([opened, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

import { loadCrypto } from '../../foundation/node-crypto.ts';
import { Secret } from '../../foundation/secret.ts';
import { readBase64Url } from '../base64.ts';

const length = 32;
const label = 'liminal-data refresh token: its successor';

/** The 256 random bits of a refresh token. They leave the process as text once, in the answer to their bearer. */
export class RefreshSecret {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  static random(): RefreshSecret {
    return new RefreshSecret(loadCrypto().randomBytes(length));
  }

  /** @returns undefined where the text is no refresh token */
  static parse(text: unknown): RefreshSecret | undefined {
    if (typeof text !== 'string' || text.length !== 43) return undefined;
    const bytes = readBase64Url(text);
    return bytes?.byteLength === length ? new RefreshSecret(bytes) : undefined;
  }

  /** What is stored in its place. Random bits need no salt and no slow hash. */
  get hash(): string {
    return loadCrypto().createHash('sha256').update(this.#bytes).digest('base64url');
  }

  /** What its bearer gets. */
  get token(): Secret {
    return new Secret(this.#bytes.toString('base64url'));
  }

  /**
   * Seals its successor, so that who shows this one again is given the same. The pad is used once: a token has one
   * successor. Who has the database alone reads nothing.
   */
  seal(successor: RefreshSecret): string {
    return this.#xor(successor.#bytes).toString('base64url');
  }

  /** @returns what `seal` has sealed; anything else gives a token that is nowhere stored */
  unseal(sealed: string): RefreshSecret {
    return new RefreshSecret(this.#xor(Buffer.from(sealed, 'base64url')));
  }

  #xor(bytes: Buffer): Buffer {
    const pad = loadCrypto().createHmac('sha256', this.#bytes).update(label).digest();
    return Buffer.from(pad.map((byte, index) => byte ^ (bytes[index] ?? 0)));
  }
}

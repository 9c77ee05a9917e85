import { ConfigurationError, Secret, systemClock, ValidationError, type Clock } from '../../core/index.ts';
import type { KeyRing } from '../../core/security/index.ts';
import type { ActionRecorder } from '../action-recorder.ts';

/** What a repository needs that stores secrets. */
export interface SecretOptions {
  /** The keys by which secrets are sealed. Without them everything else works, and a call that needs one says so. */
  readonly encryption?: KeyRing | undefined;
  /** Says when a secret is stored or used; the machine's clock by default. */
  readonly clock?: Clock;
  /** Records what is given out and what is stored by statements of its own; nobody does by default. */
  readonly recorder?: ActionRecorder | undefined;
}

/** The most bytes of a secret; what providers hand out has a few hundred. */
const maxBytes = 16_384;

/** The keys and the clock of a repository, where it has keys. */
export class ChatSecrets {
  readonly #ring: KeyRing | undefined;
  readonly clock: Clock;
  readonly recorder: ActionRecorder | undefined;

  constructor({ encryption, clock = systemClock, recorder }: SecretOptions) {
    this.#ring = encryption;
    this.clock = clock;
    this.recorder = recorder;
  }

  /**
   * The keys.
   *
   * @param work what is to be done with them, for the error
   * @throws ConfigurationError that says where keys come from, where there are none
   */
  ring(work: string): KeyRing {
    if (this.#ring !== undefined) return this.#ring;
    throw new ConfigurationError(
      `To ${work} the chat store needs a key. Make one with \`liminal-data keys generate\`, put it into LIMINAL_ENCRYPTION_KEY, and open the store with \`encryption: KeyRing.fromEnv()\`.`,
    );
  }
}

/**
 * Checks a secret that is to be stored.
 *
 * @throws ValidationError where it is empty or too long; it never repeats it
 */
export function parseSecret(secret: Secret | string, path: string): Secret {
  const text: unknown = secret instanceof Secret ? secret.reveal() : secret;
  if (typeof text !== 'string' || text.trim() === '' || !text.isWellFormed()) {
    throw new ValidationError([{ path: [path], message: 'must be text that is not blank' }]);
  }
  if (Buffer.byteLength(text) > maxBytes) {
    throw new ValidationError([{ path: [path], message: `must have at most ${maxBytes} bytes` }]);
  }
  return new Secret(text);
}

import { askOutside, type AskOptions } from './ask-outside.ts';
import { ConfigurationError } from './errors/configuration-error.ts';
import { readSecretFile, SecretFileFault } from './secret-file.ts';
import { redacted, Secret } from './secret.ts';

// By its registered symbol, so that the declarations need no types of Node.
const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** Asks somebody for a secret, such as a key management service. The signal aborts when nobody waits any longer. */
export type SecretFunction = (signal: AbortSignal) => string | Secret | PromiseLike<string | Secret>;

/**
 * Where a secret comes from: the secret itself; a variable of the environment (`env`), or its twin with `_FILE`
 * behind it; a file (`file`) that only its owner and its group may read; or a function.
 */
export type SecretSource =
  string | Secret | { readonly env: string } | { readonly file: string } | SecretFunction;

/** How a secret is read. */
export interface ReadSecretOptions {
  /** How long a function may take, in ms from 1; 5,000 by default. */
  readonly timeout?: number;
  /** Ends the wait for a function. */
  readonly signal?: AbortSignal;
  /** The variables; those of the process by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Who asks, for messages; `The secret` by default. */
  readonly name?: string;
}

/**
 * Reads a secret from where it is now. It keeps nothing: the next call reads again.
 *
 * @param source where it comes from
 * @param options how long to wait
 * @returns the secret; never an empty one
 * @throws ConfigurationError where a variable or a file is missing, empty or open to others; ConnectionError where
 *   a function fails or takes too long, without its message; the reason of the signal
 * @example
 * const password = await readSecret({ file: '/run/secrets/db-password' });
 */
export async function readSecret(source: SecretSource, options: ReadSecretOptions = {}): Promise<Secret> {
  const { timeout = 5_000, signal, env = process.env, name = 'The secret' } = options;
  signal?.throwIfAborted();
  const secret = await take(source, name, env, { timeout, signal });
  const text = secret instanceof Secret ? secret.reveal() : secret;
  if (typeof text === 'string' && text !== '') return new Secret(text);
  throw new ConfigurationError(`${name} is empty, or no text. Give it a value.`);
}

async function take(
  source: SecretSource,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  options: AskOptions,
): Promise<string | Secret> {
  if (typeof source === 'string' || source instanceof Secret) return source;
  if (typeof source === 'function') return askOutside(`The function of ${name}`, source, options);
  if ('file' in source) return readFile(name, source.file);
  const value = env[source.env];
  const file = env[`${source.env}_FILE`];
  if (value !== undefined && file !== undefined) {
    throw new ConfigurationError(
      `${name}: ${source.env} is set, and so is ${source.env}_FILE; unset one of them.`,
    );
  }
  if (file !== undefined) return readFile(name, file);
  if (value !== undefined) return value;
  throw new ConfigurationError(`${name}: ${source.env} is not set, and neither is ${source.env}_FILE.`);
}

function readFile(name: string, file: string): string {
  try {
    return readSecretFile(file);
  } catch (error) {
    if (error instanceof SecretFileFault) throw new ConfigurationError(`${name}: ${error.message}.`);
    throw error;
  }
}

/** A secret that is read anew whenever it is needed. It is never printed. */
export class LateSecret {
  readonly #source: SecretSource;

  /** @param source where it comes from */
  constructor(source: SecretSource) {
    this.#source = source;
  }

  /**
   * Reads it, as `readSecret` does.
   *
   * @param options how long to wait
   * @returns the secret as it is now
   * @throws as `readSecret`
   */
  read(options?: ReadSecretOptions): Promise<Secret> {
    return readSecret(this.#source, options);
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

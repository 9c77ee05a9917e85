/** What stands in the place of a secret wherever one would be printed. */
export const redacted = '[redacted]';

// By its registered symbol, so that the declarations need no types of Node.
const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/**
 * A value that is never printed: string conversion, JSON and `util.inspect` all give `[redacted]`.
 * It does not protect the memory of the process.
 *
 * @example
 * const password = new Secret('s3cret');
 * `${password}`; // '[redacted]'
 * password.reveal(); // 's3cret'
 */
export class Secret {
  readonly #value: string;

  /** @param value the secret itself */
  constructor(value: string) {
    this.#value = value;
  }

  /** @returns the secret itself, for the one place that needs it */
  reveal(): string {
    return this.#value;
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

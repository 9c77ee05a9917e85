/**
 * The root of the error tree. Every error that leaves this library is one of its classes,
 * translated once, at the engine's edge.
 *
 * An error holds no secret and no parameter value: neither its message nor its fields nor its JSON.
 */

/** What the documentation says of an error class; `docs/errors.md` is generated from it. */
export interface ErrorDescription {
  /** Stable identifier; it does not change between releases. */
  readonly code: `LIMINAL_${string}`;
  /** Whether the condition is transient, so that the whole unit of work may be run again. */
  readonly retryable: boolean;
  /** When the error is thrown. */
  readonly when: string;
  /** What the reader should do. */
  readonly remedy: string;
}

const brand = Symbol.for('liminal-data.error');

/**
 * Base class of every error thrown by this library.
 *
 * `retryable` says that the condition is transient and that the unit of work as a whole may be run
 * again, provided that its COMMIT was not sent. It never says that a single statement is safe to repeat.
 *
 * @example
 * try {
 *   await users.insert(user);
 * } catch (error) {
 *   if (error instanceof UniqueViolationError) return 'taken';
 *   throw error;
 * }
 */
export abstract class LiminalDataError extends Error {
  /** What the documentation says of the class. Each concrete class has its own. */
  static readonly description: ErrorDescription;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Stable identifier of the class, such as `LIMINAL_UNIQUE_VIOLATION`. */
  get code(): ErrorDescription['code'] {
    return (this.constructor as typeof LiminalDataError).description.code;
  }

  /** Whether the condition is transient; see the class for what that does not promise. */
  get retryable(): boolean {
    return (this.constructor as typeof LiminalDataError).description.retryable;
  }

  /** A form that is safe to log: the class, the code, the message and the fields, never the cause. */
  toJSON(): Record<string, unknown> {
    const fields = Object.fromEntries(Object.entries(this));
    return { ...fields, name: this.name, code: this.code, retryable: this.retryable, message: this.message };
  }
}

/**
 * Tells whether a value is an error of this library, optionally of one code. Unlike `instanceof` it
 * also recognises errors of another installed copy of the package.
 *
 * @param value anything that was caught
 * @param code when given, only an error of this code counts
 * @returns true where the value is such an error; it never throws
 * @example
 * if (isLiminalDataError(error, 'LIMINAL_STALE_ENTITY')) return retry();
 */
export function isLiminalDataError(
  value: unknown,
  code?: ErrorDescription['code'],
): value is LiminalDataError {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false;
  return code === undefined || ('code' in value && value.code === code);
}

import { LiminalDataError } from './liminal-data-error.ts';

/** A sealed value does not open. Every cause gives the same error, so that it tells an attacker nothing. */
export class DecryptionError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_DECRYPTION',
    retryable: false,
    when: 'A sealed value does not open: it was changed or cut, it belongs to another table, column, row or tenant, its key is not in the ring, or it was never sealed. Which of these it was is not said; `cipher.stats()` counts the causes.',
    remedy:
      'Ask `cipher.keyIdOf(value)` whether the ring has its key. Else restore the value from a backup: nobody without the key can have made it readable.',
  } as const;

  /** The table of the value. */
  readonly table: string;
  /** The column of the value. */
  readonly column: string;

  constructor({ table, column }: { readonly table: string; readonly column: string }) {
    super(`A sealed value of ${table}.${column} does not open. Nothing of it was read.`);
    this.table = table;
    this.column = column;
  }
}

/** No key of the ring has this id. */
export class UnknownKeyError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_UNKNOWN_KEY',
    retryable: false,
    when: 'A key ring or a key provider was asked for a key that it does not have. No other key is tried in its place.',
    remedy:
      'Add the key under its old id (`LIMINAL_ENCRYPTION_KEY=new…,id:base64`), or rotate what is sealed with it while it is still there.',
  } as const;

  /** The id that was asked for; undefined where it has not the form of one. */
  readonly keyId: string | undefined;

  constructor(message: string, keyId?: string) {
    super(message);
    this.keyId = keyId;
  }
}

/** A key has sealed as many values as it may. */
export class KeyExhaustedError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_KEY_EXHAUSTED',
    retryable: false,
    when: 'The active key has sealed as many values as it safely may. Random initialisation vectors would begin to repeat. What is sealed still opens.',
    remedy: 'Make a new key (`liminal-data keys generate`), put it first in the ring and rotate.',
  } as const;

  /** The id of the key. */
  readonly keyId: string;

  constructor(keyId: string, limit: number) {
    super(
      `The key ${keyId} has sealed ${limit} values, which is its limit; nothing was sealed. Make a new one with \`liminal-data keys generate\`, put it first in the ring and rotate.`,
    );
    this.keyId = keyId;
  }
}

/** Rows still need a key. */
export class KeyInUseError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_KEY_IN_USE',
    retryable: false,
    when: 'A key is to be retired while rows are sealed or indexed with it. Without it they could never be read again.',
    remedy:
      'Give every process the ring whose active key is a newer one, run `liminal-data keys rotate`, and retire the key then.',
  } as const;

  /** The id of the key. */
  readonly keyId: string;
  /** The columns that hold something of it, and in how many rows. */
  readonly uses: readonly { readonly table: string; readonly column: string; readonly rows: number }[];

  constructor(
    keyId: string,
    uses: readonly { readonly table: string; readonly column: string; readonly rows: number }[],
  ) {
    const places = uses.map(({ table, column, rows }) => `${table}.${column} (${rows})`).join(', ');
    super(
      `The key ${keyId} cannot be retired: rows need it, in ${places}. Rotate first; nothing was changed.`,
    );
    this.keyId = keyId;
    this.uses = uses;
  }
}

/** A token is not one that this application takes. */
export class InvalidTokenError extends LiminalDataError {
  static override readonly description: {
    readonly code: 'LIMINAL_INVALID_TOKEN' | 'LIMINAL_EXPIRED_TOKEN';
    readonly retryable: false;
    readonly when: string;
    readonly remedy: string;
  } = {
    code: 'LIMINAL_INVALID_TOKEN',
    retryable: false,
    when: 'A token has not the strict form, its signature, issuer, audience, type or claims do not fit, its key is unknown, or it was revoked.',
    remedy: 'Answer 401 and let the caller sign in again. Never read the claims of such a token.',
  };
}

/** A token was good once; its time is over. */
export class ExpiredTokenError extends InvalidTokenError {
  static override readonly description = {
    code: 'LIMINAL_EXPIRED_TOKEN',
    retryable: false,
    when: 'The signature of a token is good and its time is over.',
    remedy: 'Answer 401. The caller refreshes the token, or signs in again.',
  } as const;
}

/** Whoever asks is known, and may not do this. */
export class ForbiddenError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_FORBIDDEN',
    retryable: false,
    when: 'The actor is known and lacks the scope, the tier or the rows that were asked for.',
    remedy: 'Answer 403. Signing in again does not help; give the actor the right, or ask for less.',
  } as const;
}

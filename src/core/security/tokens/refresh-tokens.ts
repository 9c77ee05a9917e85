import { createUuidSource } from '../../domain/uuid.ts';
import { ExpiredTokenError, InvalidTokenError } from '../../foundation/errors/security-errors.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { Secret } from '../../foundation/secret.ts';
import { outside } from '../../provider/transaction-context.ts';
import { afterEndOf, hasScope } from '../../provider/transaction-hooks.ts';
import { deleteExpired, deleteExpiredSessions } from './delete-expired.ts';
import { endFamilies } from './end-families.ts';
import type { TokenGrant } from './grant.ts';
import { insertRefreshToken, type IssuedRefreshSecret } from './insert-refresh-token.ts';
import { refreshSettingsOf, type RefreshSettings, type RefreshTokensOptions } from './refresh-options.ts';
import { rotate } from './refresh-rotation.ts';
import { RefreshSecret } from './refresh-secret.ts';
import type { Revocations } from './revocations.ts';
import type { TokenCallOptions, TokenProvider } from './token-provider.ts';
import { tokenTablesOf } from './token-tables.ts';

/** A refresh token for its bearer. It is nowhere stored; only its hash is. */
export interface IssuedRefreshToken {
  /** 43 characters of base64url. */
  readonly token: Secret;
  /** The id of the session. */
  readonly sessionId: string;
  /** Until when it may be used, in ms since the Unix epoch. */
  readonly expiresAt: number;
  /** When the session ends, whatever is refreshed, in ms since the Unix epoch. */
  readonly sessionExpiresAt: number;
  /** What the tokens of the session grant. */
  readonly grant: TokenGrant;
}

/** How a refresh token is changed for its successor. */
export interface RotateOptions extends TokenCallOptions {
  /**
   * Is asked what the session grants from now on, in the transaction, such as from the user's row; its subject stays.
   * Undefined ends the session. What it throws leaves the token as it was.
   */
  readonly renew?:
    ((grant: TokenGrant, tx: object) => TokenGrant | undefined | Promise<TokenGrant | undefined>) | undefined;
}

/** How long the end of a session may wait, in ms: the caller's own transaction may hold what it waits for. */
const settleTimeout = 5_000;

/**
 * Refresh tokens: 256 random bits, stored as a hash, each good for one use, which gives the next one. A token that is
 * used a second time was copied, so its whole session ends. It runs on the tables of `tokenMigrations`.
 *
 * @example
 * const refreshTokens = new RefreshTokens(provider, { lifetime: 604_800_000, sessionLifetime: 2_592_000_000 });
 */
export class RefreshTokens {
  readonly #provider: TokenProvider;
  #settings: RefreshSettings;
  readonly #newId: () => string;
  /** Sessions whose end a caller's transaction may undo, and whether that one is over, so that it can be settled. */
  readonly #owed = new Map<string, boolean>();

  /**
   * @param provider the database, with the tables of `tokenMigrations`
   * @param options how long tokens and sessions live
   * @throws ConfigurationError with every fault
   */
  constructor(provider: TokenProvider, options: RefreshTokensOptions) {
    this.#provider = provider;
    this.#settings = refreshSettingsOf(options);
    this.#newId = createUuidSource(this.#settings.clock);
  }

  /** Where the access tokens of sessions that end are revoked. */
  get revocations(): Revocations | undefined {
    return this.#settings.revocations;
  }

  /**
   * Learns how long the access tokens of its sessions live, so that the revocations of those that end are not kept for
   * longer. TokenService says so; of several the longest counts.
   *
   * @param maxLifetime in ms
   */
  keepRevocationsFor(maxLifetime: number): void {
    const { accessLifetime: known } = this.#settings;
    const accessLifetime = Number.isFinite(known) ? Math.max(known, maxLifetime) : maxLifetime;
    this.#settings = { ...this.#settings, accessLifetime };
  }

  /**
   * Begins a session.
   *
   * @param grant what its tokens grant
   * @param options in which transaction
   * @returns its first refresh token
   * @throws the errors of a statement
   */
  async begin(grant: TokenGrant, { on }: TokenCallOptions = {}): Promise<IssuedRefreshToken> {
    const now = this.#settings.clock.now();
    const session = {
      sessionId: this.#newId(),
      grant: JSON.stringify(grant),
      sessionExpiresAt: now + this.#settings.sessionLifetime,
    };
    const issued = await this.#within(on, async (tx) => {
      await this.#lockSubject(tx, grant.subject);
      await tokenTablesOf(tx)
        .insertInto('token_families')
        .values({
          id: session.sessionId,
          subject: grant.subject,
          token_grant: session.grant,
          created_at: now,
          expires_at: session.sessionExpiresAt,
        })
        .execute();
      return insertRefreshToken(tx, session, this.#settings);
    });
    return publish(issued);
  }

  /**
   * Changes a refresh token for its successor. Of several who come with one token at once, one is given it; with
   * `grace`, the others are given the same.
   *
   * @param token as its bearer shows it
   * @param options in which transaction, that of `provider.transaction` or a unit of work; and who says what the
   *   session grants
   * @returns the next one, and what the session grants
   * @throws InvalidTokenError where it is none, its session was ended, or it was used before: then its session ends,
   *   also where the caller's transaction is rolled back for this error
   * @throws ExpiredTokenError where its time or that of its session is over
   * @throws ValidationError where `on` is a handle whose outcome cannot be heard of, such as one of Kysely's own, or
   *   `renew` gives a grant of another subject; what `renew` throws; and the errors of a statement
   */
  async rotate(token: string | Secret, { on, renew }: RotateOptions = {}): Promise<IssuedRefreshToken> {
    if (on !== undefined && !hasScope(on)) throw unheard();
    const secret = RefreshSecret.parse(token instanceof Secret ? token.reveal() : token);
    if (secret === undefined) throw refused();
    const result = await this.#within(on, async (tx) => {
      const rotation = await rotate(tx, secret, this.#settings);
      if (rotation.outcome !== 'rotated') return rotation;
      if (this.#owed.has(rotation.sessionId)) return { outcome: 'refused' } as const;
      const grant = await this.#renew(tx, rotation, renew);
      return grant === undefined ? ({ outcome: 'refused' } as const) : { ...rotation, grant };
    });
    if (result.outcome === 'rotated') return publish(result);
    if (result.outcome === 'reused') this.#reportReuse(result.sessionId, on);
    throw result.outcome === 'expired'
      ? new ExpiredTokenError('The time of the refresh token is over. Sign in again.')
      : refused();
  }

  /**
   * Ends the session of a refresh token, as a bearer does who signs out. Another token than a known one ends nothing.
   *
   * @param token the last one, or any before it
   * @param options in which transaction
   * @returns whether a session was ended
   * @throws the errors of a statement
   */
  async revoke(token: string | Secret, { on }: TokenCallOptions = {}): Promise<boolean> {
    const secret = RefreshSecret.parse(token instanceof Secret ? token.reveal() : token);
    if (secret === undefined) return false;
    const ended = await this.#within(on, async (tx) => {
      const found = await tokenTablesOf(tx)
        .selectFrom('refresh_tokens')
        .select('family_id as sessionId')
        .where('hash', '=', secret.hash)
        .executeTakeFirst();
      return found === undefined ? 0 : endFamilies(tx, found, 'request', this.#settings);
    });
    return ended > 0;
  }

  /**
   * Ends every session of a subject. Sign-ins that are not committed yet are waited for, and end too.
   *
   * @param subject the id of the user or service
   * @param options in which transaction
   * @returns how many were ended
   * @throws the errors of a statement
   */
  revokeSubject(subject: string, { on }: TokenCallOptions = {}): Promise<number> {
    return this.#within(on, async (tx) => {
      await this.#lockSubject(tx, subject);
      return endFamilies(tx, { subject }, 'request', this.#settings);
    });
  }

  /**
   * Deletes sessions and unused refresh tokens whose time is over, in portions. Used ones go with their session.
   *
   * @returns how many rows were deleted, without the tokens that go with their session
   * @throws the errors of a statement
   */
  async prune(): Promise<number> {
    await this.#settle();
    const now = this.#settings.clock.now();
    const sessions = await deleteExpiredSessions(this.#provider, now);
    return sessions + (await deleteExpired(this.#provider, 'refresh_tokens', 'hash', now));
  }

  async #within<Result>(on: object | undefined, work: (tx: object) => Promise<Result>): Promise<Result> {
    await this.#settle();
    return on === undefined
      ? this.#provider.transaction(work, { isolation: 'read committed', retry: true })
      : work(on);
  }

  /** Sign-ins and the end of all sessions come one by one: one that was not committed yet would be missed. */
  async #lockSubject(tx: object, subject: string): Promise<void> {
    const { nameLocks } = this.#provider.sql;
    const keys = nameLocks?.keysOf([`liminal-data token subject ${subject}`]);
    await nameLocks?.lock(keys).execute(tokenTablesOf(tx));
  }

  /** @returns what the session grants from now on, as JSON; undefined where it was ended */
  async #renew(
    tx: object,
    { grant, sessionId }: IssuedRefreshSecret,
    renew: RotateOptions['renew'],
  ): Promise<string | undefined> {
    if (renew === undefined) return grant;
    const begun = JSON.parse(grant) as TokenGrant;
    const { subject } = begun;
    const renewed = await renew(begun, tx);
    if (renewed === undefined) {
      await endFamilies(tx, { sessionId }, 'request', this.#settings);
      return undefined;
    }
    // Who revokes all of a subject would miss it.
    if (renewed.subject !== subject) throw ofAnotherSubject();
    return JSON.stringify(renewed);
  }

  /** A caller's transaction may be rolled back for the very error that says so; the session must end all the same. */
  #reportReuse(sessionId: string, on: object | undefined): void {
    this.#settings.logger.warn({ sessionId }, 'a refresh token was used twice; its session has ended');
    if (on === undefined) return;
    this.#owed.set(sessionId, true);
    afterEndOf(on, () => {
      this.#owed.set(sessionId, true);
      return this.#settle();
    });
    this.#owed.set(sessionId, false);
  }

  /** Never rejects: what cannot be settled stays owed, and is tried again at the next call. */
  async #settle(): Promise<void> {
    for (const [sessionId, isDue] of this.#owed) {
      if (!isDue) continue;
      const end = (tx: object) => endFamilies(tx, { sessionId }, 'reuse', this.#settings);
      const options = { isolation: 'read committed', retry: true, timeout: settleTimeout } as const;
      try {
        await outside(() => this.#provider.transaction(end, options));
        this.#owed.delete(sessionId);
      } catch (error) {
        this.#settings.logger.error({ error, sessionId }, 'a session could not be ended yet');
      }
    }
  }
}

function publish({ secret, grant, ...rest }: IssuedRefreshSecret): IssuedRefreshToken {
  return {
    token: secret.token,
    sessionId: rest.sessionId,
    expiresAt: rest.expiresAt,
    sessionExpiresAt: rest.sessionExpiresAt,
    grant: JSON.parse(grant) as TokenGrant,
  };
}

function refused(): InvalidTokenError {
  return new InvalidTokenError('The refresh token is not accepted. Sign in again.');
}

function ofAnotherSubject(): ValidationError {
  const message = 'must give a grant of the subject that the session was begun for; begin another session';
  return new ValidationError([{ path: ['renew'], message }]);
}

function unheard(): ValidationError {
  const message =
    'must be the tx of provider.transaction or the db of a unit of work: of another handle it cannot be heard whether the end of a session was undone';
  return new ValidationError([{ path: ['on'], message }]);
}

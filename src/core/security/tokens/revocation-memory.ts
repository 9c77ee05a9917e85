import type { RevocationKind } from './token-tables.ts';

/** A revocation, as it is stored. */
export interface Revocation {
  /** What it is of: one token, those of a session, or those of a subject. */
  readonly kind: RevocationKind;
  /** The id of the token, the session or the subject. */
  readonly value: string;
  /** In ms since the Unix epoch: tokens that were issued later are not meant. */
  readonly issued_until: number;
  /** In ms since the Unix epoch. */
  readonly expires_at: number;
}

/** What of a token may be revoked. */
export interface RevocableToken {
  /** The id of the user or service. */
  readonly subject: string;
  /** In ms since the Unix epoch. */
  readonly issuedAt: number;
  /** Its `jti`. */
  readonly tokenId: string | undefined;
  /** Its session. */
  readonly sessionId: string | undefined;
}

/** The revocations that this process knows. It forgets none before every token that is meant is past its time. */
export class RevocationMemory {
  readonly #known: Readonly<Record<RevocationKind, Map<string, Revocation>>> = {
    token: new Map(),
    session: new Map(),
    subject: new Map(),
  };

  /** How many are known. */
  get size(): number {
    return Object.values(this.#known).reduce((sum, { size }) => sum + size, 0);
  }

  add(revocation: Revocation): void {
    const known = this.#known[revocation.kind];
    const before = known.get(revocation.value);
    known.set(revocation.value, before === undefined ? revocation : laterOf(before, revocation));
  }

  has({ subject, issuedAt, tokenId, sessionId }: RevocableToken): boolean {
    if (tokenId !== undefined && this.#known.token.has(tokenId)) return true;
    if (sessionId !== undefined && this.#known.session.has(sessionId)) return true;
    return issuedAt <= (this.#known.subject.get(subject)?.issued_until ?? Number.NEGATIVE_INFINITY);
  }

  /** Forgets what is past its time. */
  prune(now: number): void {
    for (const known of Object.values(this.#known)) {
      for (const [value, { expires_at: end }] of known) if (end < now) known.delete(value);
    }
  }
}

function laterOf(one: Revocation, other: Revocation): Revocation {
  return {
    ...one,
    issued_until: Math.max(one.issued_until, other.issued_until),
    expires_at: Math.max(one.expires_at, other.expires_at),
  };
}

import type { Actor } from '../../foundation/actor-context.ts';
import { isStorableText } from '../../query/storable-text.ts';
import type { JsonMembers } from './strict-json.ts';
import { longestSkew, type TokenSettings } from './token-config.ts';

/** A token that was verified. */
export interface VerifiedToken<Scope extends string = string, Tier extends string = string> {
  /** Whose it is, for `runAs`. Scopes and tiers that are not declared are left out. */
  readonly actor: Actor & {
    readonly type: 'user' | 'service';
    readonly scopes: readonly Scope[];
    readonly tier?: Tier;
  };
  /** All claims, frozen; the object has no prototype. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** When it was issued, in ms since the Unix epoch; behind a revocation of its subject's tokens, just after that. */
  readonly issuedAt: number;
  /** When its time is over, in ms since the Unix epoch. */
  readonly expiresAt: number;
  /** The id of the session that it belongs to, where it came with a refresh token. */
  readonly sessionId?: string;
}

/** Why claims are refused, for the log. */
export interface ClaimsFault {
  readonly reason: string;
  readonly isExpired: boolean;
}

/** Ids and tenants are short texts that a database takes: what cannot be stored could not be revoked. */
export function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= 255 && isStorableText(value);
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isOptional = (value: unknown, holds: (value: unknown) => boolean) =>
  value === undefined || holds(value);

/** Holds the claims of an authentic token against the settings. @param now in ms */
export function checkClaims(
  claims: JsonMembers,
  settings: TokenSettings,
  now: number,
): VerifiedToken | ClaimsFault {
  const reason = findFault(claims, settings, now);
  if (reason !== undefined) return { reason, isExpired: false };
  const token = readToken(claims, settings);
  if (now >= token.expiresAt + settings.clockSkew) return { reason: 'its time is over', isExpired: true };
  return token;
}

function findFault(claims: JsonMembers, settings: TokenSettings, now: number): string | undefined {
  const { issuer, audience, maxLifetime, clockSkew, requiredClaims } = settings;
  const missing = requiredClaims.find((name) => claims[name] === undefined || claims[name] === null);
  if (missing !== undefined) return `the claim ${missing} is missing`;
  const { iss, aud, sub, exp, iat, nbf, jti } = claims;
  if (iss !== issuer) return 'it is of another issuer';
  if (!(aud === audience || (Array.isArray(aud) && aud.includes(audience))))
    return 'it is for another audience';
  if (!isShortText(sub)) return 'its subject is no short text';
  if (!isTime(exp) || !isTime(iat) || !isOptional(nbf, isTime)) return 'a time is no integer from 0';
  if (exp <= iat) return 'it ends before it begins';
  if ((exp - iat) * 1_000 > maxLifetime) return 'it lives for too long';
  if (iat * 1_000 > now + clockSkew) return 'it was issued in the future';
  if (((nbf as number | undefined) ?? 0) * 1_000 > now + clockSkew) return 'its time has not come';
  if (!isOptional(jti, isShortText)) return 'its id is no short text';
  return findWordFault(claims);
}

/** Of the claims that are this library's own. */
function findWordFault(claims: JsonMembers): string | undefined {
  const { scope, tier, tenant, sid, subject_type: type, iat, iat_ms: counted } = claims;
  if (!isOptional(scope, (value) => typeof value === 'string')) return 'its scope is no text';
  if (!isOptional(tier, isShortText)) return 'its tier is no short text';
  if (!isOptional(tenant, isShortText)) return 'its tenant is no short text';
  if (!isOptional(sid, isShortText)) return 'its session is no short text';
  if (!isOptional(type, (value) => value === 'user' || value === 'service')) return 'its type is unknown';
  const since = (iat as number) * 1_000;
  const isNear = (value: unknown) => isTime(value) && value >= since && value <= since + 1_000 + longestSkew;
  if (!isOptional(counted, isNear)) return 'its iat_ms is out of range';
  return undefined;
}

function readToken(claims: JsonMembers, { scopes, tiers }: TokenSettings): VerifiedToken {
  const {
    sub,
    jti,
    sid,
    tenant,
    tier,
    scope = '',
    subject_type: type,
  } = claims as {
    readonly sub: string;
    readonly jti?: string;
    readonly sid?: string;
    readonly tenant?: string;
    readonly tier?: string;
    readonly scope?: string;
    readonly subject_type?: 'user' | 'service';
  };
  const words = new Set(scope.split(' '));
  return Object.freeze({
    actor: Object.freeze({
      type: type ?? 'user',
      id: sub,
      scopes: Object.freeze([...words].filter((word) => scopes.has(word))),
      ...(tenant !== undefined && { tenant }),
      ...(tier !== undefined && tiers.includes(tier) && { tier }),
      ...(jti !== undefined && { tokenId: jti }),
    }),
    claims,
    issuedAt: (claims['iat_ms'] as number | undefined) ?? (claims['iat'] as number) * 1_000,
    expiresAt: (claims['exp'] as number) * 1_000,
    ...(sid !== undefined && { sessionId: sid }),
  });
}

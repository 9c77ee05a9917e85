import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import { encodeJson } from '../../query/json-text.ts';
import { checkWhole } from './check-whole.ts';
import type { TokenGrant } from './grant.ts';
import { readStrictJson } from './strict-json.ts';
import { isShortText } from './token-claims.ts';
import type { TokenSettings } from './token-config.ts';

/** What an access token is to say. */
export interface IssueInput<Scope extends string = string, Tier extends string = string> extends TokenGrant<
  Scope,
  Tier
> {
  /** In ms, from 1,000 to `maxLifetime`, which it is by default. Tokens count in whole seconds; the rest is cut off. */
  readonly lifetime?: number;
  /** Claims of the application, as plain JSON; none of the registered ones, nor of this library's. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** What of a token is not its caller's to choose. */
export interface TokenStamp {
  /** In ms since the Unix epoch. */
  readonly issuedAt: number;
  /** Until when tokens of the subject are revoked: this one counts as a later one. In ms since the Unix epoch. */
  readonly revokedUntil?: number | undefined;
  readonly tokenId: string;
  readonly sessionId?: string;
  /** When its session ends, in ms since the Unix epoch: it does not outlive that. */
  readonly notAfter?: number;
}

/** What `claims` cannot set. */
const reserved = 'iss aud sub exp nbf iat jti scope tier tenant sid subject_type iat_ms'.split(' ');

const shortText = 'must be 1 to 255 characters without NUL and lone surrogates';

/**
 * Writes the claims of a token.
 *
 * @returns them as the bytes of JSON, and when the time of the token is over, in ms
 * @throws ValidationError with every fault
 */
export function encodeClaims(
  input: IssueInput,
  settings: TokenSettings,
  stamp: TokenStamp,
): { readonly claims: Uint8Array; readonly expiresAt: number } {
  checkInput(input, settings);
  const { issuedAt, revokedUntil = 0, tokenId, sessionId, notAfter = Number.POSITIVE_INFINITY } = stamp;
  const { subject, type, scopes = [], tier, tenant, lifetime = settings.maxLifetime } = input;
  const iat = Math.floor(issuedAt / 1_000);
  // A session in its last second still gets a token, for that second.
  const exp = Math.max(iat + 1, Math.min(iat + Math.floor(lifetime / 1_000), Math.floor(notAfter / 1_000)));
  const claims = {
    ...input.claims,
    iss: settings.issuer,
    aud: settings.audience,
    sub: subject,
    iat,
    exp,
    jti: tokenId,
    // Times of tokens are in seconds; a revocation must tell what was before it from what is behind it.
    iat_ms: Math.max(issuedAt, revokedUntil + 1),
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(tier !== undefined && { tier }),
    ...(tenant !== undefined && { tenant }),
    ...(type === 'service' && { subject_type: type }),
    ...(sessionId !== undefined && { sid: sessionId }),
  };
  // A value with a method `toJSON` could say anything in the place of what stands here.
  const bytes = new TextEncoder().encode(encodeJson(claims, 'claims'));
  if (readStrictJson(bytes) === undefined) {
    throw new ValidationError([{ path: ['claims'], message: 'must nest less deep: nobody would accept it' }]);
  }
  return { claims: bytes, expiresAt: exp * 1_000 };
}

function checkInput(input: IssueInput, settings: TokenSettings): void {
  const { subject, type, scopes = [], tier, tenant, lifetime, claims = {} } = input;
  const issues: Issue[] = [];
  const fault = (name: string, message: string) => void issues.push({ path: [name], message });
  if (!isShortText(subject)) fault('subject', shortText);
  if (tenant !== undefined && !isShortText(tenant)) fault('tenant', shortText);
  if (type !== undefined && type !== 'user' && type !== 'service')
    fault('type', 'must be "user" or "service"');
  if (!scopes.every((scope) => settings.scopes.has(scope)))
    fault('scopes', 'must be among the declared scopes');
  if (tier !== undefined && !settings.tiers.includes(tier)) fault('tier', 'must be among the declared tiers');
  if (lifetime !== undefined) checkWhole(issues, ['lifetime'], lifetime, 1_000, settings.maxLifetime);
  for (const name of reserved)
    if (Object.hasOwn(claims, name)) fault('claims', `must leave ${name} to the service`);
  for (const name of settings.requiredClaims) {
    if (reserved.includes(name) ? isLeftOut(name, input) : (claims[name] ?? null) === null) {
      fault('claims', `must have ${name}, which every token must state`);
    }
  }
  if (issues.length > 0) throw new ValidationError(issues);
}

/** Whether a required claim would be missing, of those that are made of the grant. */
function isLeftOut(name: string, { scopes = [], tier, tenant, type }: IssueInput): boolean {
  if (name === 'scope') return scopes.length === 0;
  if (name === 'tier') return tier === undefined;
  if (name === 'tenant') return tenant === undefined;
  if (name === 'subject_type') return type !== 'service';
  return name === 'nbf';
}

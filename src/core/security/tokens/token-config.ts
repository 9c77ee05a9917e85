import { systemClock, type Clock } from '../../foundation/clock.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import { silentLogger, type Logger } from '../../foundation/logger.ts';
import { quietLogger } from '../../foundation/quiet-logger.ts';
import { checkWhole } from './check-whole.ts';
import type { Revocations } from './revocations.ts';
import { findTraits, type TokenAlgorithm, type TokenAlgorithms } from './token-algorithm.ts';
import type { TokenKeySource } from './token-keys.ts';

/** What every token must state; more names may follow. */
export type RequiredClaims = readonly ['exp', 'iat', 'sub', ...string[]];

/**
 * What is accepted as a token. Whatever a wrong token could pass by is mandatory: there is no default that lets one
 * in. Times in ms.
 */
export interface TokenConfig<Scope extends string = never, Tier extends string = never> {
  /** `TokenKeys`, or the `RemoteKeySet` of another issuer. */
  readonly keys: TokenKeySource & { readonly algorithms: readonly TokenAlgorithm[] };
  /** The algorithms that are accepted, of one family. */
  readonly algorithms: TokenAlgorithms;
  /** The one `iss` that is accepted. */
  readonly issuer: string;
  /** What `aud` must be or hold. */
  readonly audience: string;
  /** The exact `typ` of the header, such as `at+jwt`, so that no token of another kind passes for one. */
  readonly typ: string;
  /** The longest time from `iat` to `exp`, from 1,000 to 31,536,000,000. */
  readonly maxLifetime: number;
  /** The claims that must be there: `exp`, `iat`, `sub`, and more. */
  readonly requiredClaims: RequiredClaims;
  /** The words for what a bearer may do. None by default. */
  readonly scopes?: readonly Scope[];
  /** Scopes that hold others, such as `{ all: ['read', 'write'] }`. One step, not further. */
  readonly scopesWithin?: { readonly [Holder in Scope]?: readonly Scope[] };
  /** The words for tiers, the lowest first: whoever has a tier has those below. None by default. */
  readonly tiers?: readonly Tier[];
  /** How far the clocks of the machines may be apart, from 0 to 60,000. 5,000 by default. */
  readonly clockSkew?: number;
  /** Where tokens are revoked; without it none is before its time. */
  readonly revocations?: Revocations;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
  /** Hears why a token is refused, which whoever sent it never does. Silent by default. */
  readonly logger?: Logger;
}

/** The configuration, complete. */
export interface TokenSettings {
  readonly keys: TokenKeySource;
  readonly algorithms: readonly TokenAlgorithm[];
  readonly issuer: string;
  readonly audience: string;
  readonly typ: string;
  readonly maxLifetime: number;
  readonly requiredClaims: readonly string[];
  readonly scopes: ReadonlySet<string>;
  readonly scopesWithin: ReadonlyMap<string, readonly string[]>;
  readonly tiers: readonly string[];
  readonly clockSkew: number;
  readonly revocations: Revocations | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The characters of RFC 6749: a scope never holds a space, a quote or a backslash. */
export const scopeForm = /^[!#-[\]-~]{1,128}$/;
const longestLifetime = 365 * 24 * 60 * 60 * 1_000;

/** How far clocks may be apart at most, in ms. */
export const longestSkew = 60_000;

/** @throws ConfigurationError with every fault */
export function parseTokenConfig(config: TokenConfig<string, string>): TokenSettings {
  const { clockSkew = 5_000, clock = systemClock, revocations, maxLifetime } = config;
  const issues: Issue[] = [];
  for (const name of ['issuer', 'audience', 'typ'] as const) {
    const value: unknown = config[name];
    if (typeof value !== 'string' || value === '' || value.length > 1_024) {
      issues.push({ path: [name], message: 'must be a text of 1 to 1,024 characters' });
    }
  }
  checkWhole(issues, ['maxLifetime'], maxLifetime, 1_000, longestLifetime);
  checkWhole(issues, ['clockSkew'], clockSkew, 0, longestSkew);
  checkAlgorithms(config, issues);
  checkWords(config, issues);
  const required: readonly string[] = config.requiredClaims ?? [];
  for (const name of ['exp', 'iat', 'sub']) {
    if (!required.includes(name)) issues.push({ path: ['requiredClaims'], message: `must hold ${name}` });
  }
  if (issues.length > 0) throw new ConfigurationError(issues);
  const { keys, algorithms, issuer, audience, typ, scopes = [], tiers = [] } = config;
  return {
    keys,
    issuer,
    audience,
    typ,
    maxLifetime,
    clockSkew,
    revocations,
    clock,
    algorithms: [...algorithms],
    requiredClaims: [...required],
    scopes: new Set(scopes),
    scopesWithin: new Map(Object.entries(config.scopesWithin ?? {})) as ReadonlyMap<
      string,
      readonly string[]
    >,
    tiers: [...tiers],
    logger: quietLogger(config.logger ?? silentLogger),
  };
}

function checkAlgorithms(config: TokenConfig<string, string>, issues: Issue[]): void {
  const algorithms: readonly TokenAlgorithm[] = config.algorithms ?? [];
  const families = new Set(algorithms.map((alg) => findTraits(alg)?.family));
  if (families.size !== 1 || families.has(undefined)) {
    issues.push({ path: ['algorithms'], message: 'must be one or more algorithms of one family' });
  }
  if (typeof config.keys?.findKey !== 'function') {
    issues.push({ path: ['keys'], message: 'must be TokenKeys or a RemoteKeySet' });
  } else if (!config.keys.algorithms.every((alg) => algorithms.includes(alg))) {
    issues.push({ path: ['keys'], message: 'must be for the accepted algorithms alone' });
  }
}

function checkWords(config: TokenConfig<string, string>, issues: Issue[]): void {
  for (const name of ['scopes', 'tiers'] as const) {
    const words = config[name] ?? [];
    if (!words.every((each) => scopeForm.test(each)) || new Set(words).size !== words.length) {
      const message = 'must be different words of visible ASCII without quotes and backslashes';
      issues.push({ path: [name], message });
    }
  }
  const known = new Set(config.scopes);
  const named = Object.entries(config.scopesWithin ?? {}).flatMap(([holder, held]) => [
    holder,
    ...(held ?? []),
  ]);
  if (!named.every((scope) => known.has(scope))) {
    issues.push({ path: ['scopesWithin'], message: 'must name scopes alone' });
  }
}

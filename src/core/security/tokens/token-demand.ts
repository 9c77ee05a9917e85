import type { Actor } from '../../foundation/actor-context.ts';
import type { TokenSettings } from './token-config.ts';

/** What a bearer must have beyond a good token. */
export interface TokenDemand<Scope extends string = string, Tier extends string = string> {
  /** All of these. */
  readonly scopes?: readonly Scope[];
  /** This tier or one above. */
  readonly tier?: Tier;
}

type Words = Pick<TokenSettings, 'scopes' | 'scopesWithin' | 'tiers'>;

/** Whether an actor has what is demanded. A demand that nobody declared is met by nobody. */
export function meetsDemand(actor: Actor, { scopes = [], tier }: TokenDemand, words: Words): boolean {
  const has = new Set(
    (actor.scopes ?? []).flatMap((scope) => [scope, ...(words.scopesWithin.get(scope) ?? [])]),
  );
  if (!scopes.every((scope) => words.scopes.has(scope) && has.has(scope))) return false;
  if (tier === undefined) return true;
  const least = words.tiers.indexOf(tier);
  return least >= 0 && actor.tier !== undefined && words.tiers.indexOf(actor.tier) >= least;
}

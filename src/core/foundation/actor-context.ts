import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * On whose behalf code runs. Whoever knows it sets it once, by `runAs`; whoever needs it, such as an audit trail,
 * asks `currentActor`. Nothing here decides what an actor may do.
 */
export interface Actor {
  /** A person, another program, or the application itself. */
  readonly type: 'user' | 'service' | 'system';
  /** The actor's id, such as the subject of its token. */
  readonly id: string;
  /** The tenant that it acts in. */
  readonly tenant?: string;
  /** What it may do, in the application's own words. */
  readonly scopes?: readonly string[];
  /** The tier of its plan, in the application's own words. */
  readonly tier?: string;
  /** The id of the token that it showed. */
  readonly tokenId?: string;
  /** The id of the request that it makes. */
  readonly requestId?: string;
}

const actors = new AsyncLocalStorage<Actor | undefined>();

/**
 * Tells on whose behalf the code runs that asks, however many promises lie between it and `runAs`.
 *
 * @returns the actor of the innermost `runAs`; undefined outside of one
 * @example
 * currentActor()?.id;
 */
export function currentActor(): Actor | undefined {
  return actors.getStore();
}

/**
 * Runs work on behalf of an actor. What the work starts, and does not wait for, keeps the actor; code beside it
 * never sees it. The actor is copied and frozen, so that nobody changes it on its way.
 *
 * @param actor on whose behalf; undefined for nobody's, for work that is not to keep the caller's actor
 * @param work what runs, at once
 * @returns what the work gives
 * @throws what the work throws
 * @example
 * await runAs({ type: 'system', id: 'nightly-cleanup' }, () => cleanUp());
 */
export function runAs<Result>(actor: Actor | undefined, work: () => Result): Result {
  return actors.run(actor && copyOf(actor), work);
}

/** The same actor is met once a request in all its calls: what was frozen here already is not copied again. */
const copies = new WeakSet<Actor>();

function copyOf(actor: Actor): Actor {
  if (copies.has(actor)) return actor;
  const { scopes } = actor;
  const copy = Object.freeze({ ...actor, ...(scopes && { scopes: Object.freeze([...scopes]) }) });
  copies.add(copy);
  return copy;
}

import { currentActor } from '../foundation/actor-context.ts';
import { ForbiddenError } from '../foundation/errors/security-errors.ts';

/** Whose rows are meant: an id, or a function that is asked at every call. */
export type ActorSource = string | (() => string | undefined);

/**
 * Asks whose rows are meant.
 *
 * @throws ForbiddenError where nobody is known: no rows are anybody's
 */
export function actorId(source: ActorSource = currentActorId): string {
  const id = typeof source === 'function' ? source() : source;
  if (typeof id === 'string' && id !== '') return id;
  throw new ForbiddenError(
    'Rows of an actor were asked for, and no actor is known; nothing was sent. Run the work by runAs, or hand in the actor.',
  );
}

function currentActorId(): string | undefined {
  return currentActor()?.id;
}

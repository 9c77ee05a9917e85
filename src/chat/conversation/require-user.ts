import { ValidationError } from '../../core/index.ts';
import type { UserId } from '../ids.ts';

/**
 * Refuses a user who is there and undefined: somebody who is not signed in must not be shown what is everybody's.
 *
 * @throws ValidationError
 */
export function requireUser(options: { readonly userId?: UserId }): void {
  if (!('userId' in options) || options.userId !== undefined) return;
  const message = "is undefined; leave it out to mean everybody's";
  throw new ValidationError([{ path: ['userId'], message }]);
}

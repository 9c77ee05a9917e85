import { ValidationError } from '../foundation/errors/validation-error.ts';

const longest = 24 * 60 * 60 * 1_000;

/**
 * Checks a deadline that a caller gave. A timer takes whatever it cannot count as 1 ms, and would be over
 * at once.
 *
 * @param deadline in ms, an integer from 0 to 86,400,000
 * @throws ValidationError where it is none
 */
export function checkDeadline(deadline: number): void {
  if (Number.isInteger(deadline) && deadline >= 0 && deadline <= longest) return;
  const message = `must be an integer from 0 to ${longest} ms`;
  throw new ValidationError([{ path: ['deadline'], message }]);
}

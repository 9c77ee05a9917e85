import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { checkParameter } from '../parameters.ts';

/**
 * Brings parameters into what SQLite can bind: booleans become 1 and 0. What would not come back as it
 * went in is refused.
 *
 * @throws ValidationError that names the position, never the value
 */
export function bindParameters(parameters: readonly unknown[]): unknown[] {
  return parameters.map((value, index) => {
    checkParameter(value, index + 1);
    if (typeof value === 'boolean') return value ? 1 : 0;
    if (value instanceof Date) throw unbindable(index + 1, 'a Date: hand over ms since the Unix epoch');
    if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
      throw unbindable(index + 1, 'an object: hand JSON over as text');
    }
    return value;
  });
}

function unbindable(position: number, what: string): ValidationError {
  return new ValidationError(`Parameter ${position} is ${what}.`);
}

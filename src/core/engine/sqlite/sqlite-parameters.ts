import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { checkParameter } from '../parameters.ts';

/**
 * Brings parameters into what SQLite can bind: booleans become 1 and 0. What would not come back as it
 * went in is refused.
 *
 * @returns the parameters themselves where nothing has to change
 * @throws ValidationError that names the position, never the value
 */
export function bindParameters(parameters: readonly unknown[]): readonly unknown[] {
  let bound: unknown[] | undefined;
  for (let index = 0; index < parameters.length; index += 1) {
    const value = parameters[index];
    checkParameter(value, index + 1);
    if (typeof value === 'boolean') {
      bound ??= [...parameters];
      bound[index] = value ? 1 : 0;
    } else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
      throw unbindable(index + 1, value);
    }
  }
  return bound ?? parameters;
}

function unbindable(position: number, value: object): ValidationError {
  const what =
    value instanceof Date ? 'a Date: hand over ms since the Unix epoch' : 'an object: hand JSON over as text';
  return new ValidationError(`Parameter ${position} is ${what}.`);
}

import { ValidationError } from '../foundation/errors/validation-error.ts';

/**
 * Refuses a parameter that a driver would store as something else: both would replace half a surrogate
 * pair by U+FFFD and NaN by NULL, SQLite stores a NUL that ends the text for its own functions, and
 * Postgres refuses it. What an engine cannot bind at all is for the engine to say.
 *
 * @param value one parameter of a statement
 * @param position its place in the statement, from 1
 * @throws ValidationError that names the position, never the value
 */
export function checkParameter(value: unknown, position: number): void {
  const fault = findFault(value);
  if (fault !== undefined) throw new ValidationError(`Parameter ${position} ${fault}.`);
}

function findFault(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      if (value.includes('\0')) return 'is a text with a NUL character, which no engine keeps';
      return value.isWellFormed()
        ? undefined
        : 'is a text with half a surrogate pair, which has no UTF-8 form';
    case 'number':
      return Number.isFinite(value) ? undefined : 'is not a finite number';
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? undefined : 'is an integer beyond 64 bits';
    case 'undefined':
      return 'is undefined: hand over null where NULL is meant';
    case 'symbol':
    case 'function':
      return `is a ${typeof value}, which has no form in a database`;
    default:
      return isInvalidDate(value) ? 'is an invalid Date' : undefined;
  }
}

function isInvalidDate(value: unknown): boolean {
  return value instanceof Date && Number.isNaN(value.getTime());
}

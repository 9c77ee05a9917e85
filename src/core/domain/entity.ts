import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';

/**
 * A thing with an identity that outlives its changes. Entities are plain frozen objects; the functions
 * beside each one hold its rules and return changed copies.
 */
export interface Entity<Id extends string = string> {
  /** Identity; two entities with one id are the same thing in two states. */
  readonly id: Id;
  /** How often it was changed, from 1. Every update states the version that it read. */
  readonly version: number;
}

/**
 * Runs the checks of an entity's fields and collects every fault with its path, so that a caller hears
 * of all of them at once.
 *
 * @param fields a function a field that returns the checked value or throws a ValidationError
 * @returns a frozen object with the checked values
 * @throws ValidationError with the faults of all fields
 * @example
 * const user = checkFields({
 *   id: () => UserId.parse(input.id),
 *   email: () => EmailAddress.parse(input.email),
 * });
 */
export function checkFields<Fields extends Record<string, unknown>>(fields: {
  readonly [Field in keyof Fields]: () => Fields[Field];
}): Readonly<Fields> {
  const values: Partial<Fields> = {};
  const issues: Issue[] = [];
  for (const field of Object.keys(fields) as (keyof Fields & string)[]) {
    try {
      values[field] = fields[field]();
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      issues.push(...error.issues.map(({ path, message }) => ({ path: [field, ...path], message })));
    }
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return Object.freeze(values as Fields);
}

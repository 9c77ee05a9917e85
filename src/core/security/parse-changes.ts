import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { shownName } from './list-input.ts';

const maxMembers = 1_000;

/**
 * Takes from what came from outside those fields that may be written, so that nobody sets an owner, a role or a version
 * by adding it to a request. The values are as they came: the entity's own rules check them.
 *
 * @param allowed the names of the fields that may be written
 * @param input an object, such as a parsed body
 * @returns a frozen object without a prototype, with those of the fields that are there
 * @throws ValidationError with every field that is not allowed, and where the input is no plain object
 * @example
 * const { title } = parseChanges(['title'], await request.json());
 */
export function parseChanges<Name extends string>(
  allowed: readonly Name[],
  input: unknown,
): Readonly<Partial<Record<Name, unknown>>> {
  if (!isPlainObject(input))
    throw new ValidationError([{ path: [], message: 'must be an object of fields' }]);
  const names = Reflect.ownKeys(input);
  if (names.length > maxMembers) {
    throw new ValidationError([{ path: [], message: `must have at most ${maxMembers} fields` }]);
  }
  const changes = Object.create(null) as Partial<Record<Name, unknown>>;
  const issues: Issue[] = [];
  for (const name of names) {
    if (isAllowed(name, allowed)) changes[name] = input[name];
    else issues.push({ path: [shownName(String(name))], message: `cannot be set; ${saying(allowed)}` });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return Object.freeze(changes);
}

function isAllowed<Name extends string>(name: string | symbol, allowed: readonly Name[]): name is Name {
  return (allowed as readonly (string | symbol)[]).includes(name);
}

function saying(allowed: readonly string[]): string {
  return allowed.length === 0 ? 'nothing can be' : `these can be: ${allowed.join(', ')}`;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

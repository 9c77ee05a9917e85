import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Brand } from './brand.ts';
import type { StandardSchema } from './standard-schema.ts';

/**
 * A small value with rules of its own: once it has its type, the rules hold. It is a branded string or
 * number, so it compares with `===`, is immutable and costs nothing at run time. It is a Standard
 * Schema as well, so it can stand inside others.
 */
export interface ValueObject<Value extends string | number, Name extends string> extends StandardSchema<
  Brand<Value, Name>,
  unknown
> {
  /** What the value is called in messages. */
  readonly name: Name;
  /**
   * Checks and normalises. It needs no `this`, so that it can be handed on as it is.
   *
   * @throws ValidationError that lists what is wrong; it never repeats the value
   */
  readonly parse: (value: unknown) => Brand<Value, Name>;
  /** Tells whether a value fits as it is, without normalising. Never throws. */
  is(value: unknown): value is Brand<Value, Name>;
}

/** The type of a value object's values: `type EmailAddress = ValueOf<typeof EmailAddress>`. */
export type ValueOf<Definition> =
  Definition extends ValueObject<infer Value, infer Name> ? Brand<Value, Name> : never;

/**
 * Defines a value object.
 *
 * @param definition `name` for messages; `normalize` brings an input into its one form and returns
 *   undefined for what is not of the right type at all; `rules` are predicates with the message that
 *   says what would be right
 * @returns the definition; `parse` is the only way to a value
 * @example
 * const Percentage = defineValueObject({
 *   name: 'Percentage',
 *   normalize: (input) => (typeof input === 'number' ? input : undefined),
 *   rules: [[(value) => value >= 0 && value <= 100, 'must be from 0 to 100']],
 * });
 * type Percentage = ValueOf<typeof Percentage>;
 * Percentage.parse(42);
 */
export function defineValueObject<Value extends string | number, const Name extends string>(definition: {
  readonly name: Name;
  readonly normalize: (input: unknown) => Value | undefined;
  readonly rules: readonly (readonly [holds: (value: Value) => boolean, message: string])[];
}): ValueObject<Value, Name> {
  const { name, normalize, rules } = definition;

  function check(input: unknown): { value: Brand<Value, Name> } | { messages: readonly string[] } {
    const value = normalize(input);
    if (value === undefined) return { messages: ['is not of the right type'] };
    const messages = rules.filter(([holds]) => !holds(value)).map(([, message]) => message);
    return messages.length > 0 ? { messages } : { value: value as Brand<Value, Name> };
  }

  return Object.freeze({
    name,
    parse(input: unknown) {
      const result = check(input);
      if ('value' in result) return result.value;
      throw new ValidationError(
        result.messages.map((message) => ({ path: [], message: `${name} ${message}` })),
      );
    },
    is(input: unknown): input is Brand<Value, Name> {
      const result = check(input);
      return 'value' in result && Object.is(result.value, input);
    },
    '~standard': {
      version: 1 as const,
      vendor: 'liminal-data',
      validate(input: unknown) {
        const result = check(input);
        return 'value' in result
          ? { value: result.value }
          : { issues: result.messages.map((message) => ({ message: `${name} ${message}` })) };
      },
    },
  });
}

import { defineValueObject, type ValueObject } from '../core/domain/index.ts';

/**
 * Defines a value object of one line's worth of text: from 1 to `max` characters (code points), without
 * the spaces around it, and only what both engines store and give back unchanged.
 *
 * @param definition `name` for messages, `max` in characters
 * @returns the value object; `parse` trims
 */
export function defineText<const Name extends string>(definition: {
  readonly name: Name;
  readonly max: number;
}): ValueObject<string, Name> {
  const { name, max } = definition;
  return defineValueObject({
    name,
    normalize: (input) => (typeof input === 'string' ? input.trim() : undefined),
    rules: [
      [(text) => text !== '', 'must not be blank'],
      [(text) => hasAtMost(text, max), `must have at most ${max} characters`],
      [isStorableText, 'must be well-formed Unicode without NUL'],
    ],
  });
}

/**
 * Tells whether a text comes back from both engines as it went in: Postgres refuses NUL, and a lone
 * surrogate has no UTF-8 form.
 */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function hasAtMost(text: string, max: number): boolean {
  if (text.length <= max) return true;
  // A character is at most two code units, so that a hostile length is never counted out.
  return text.length <= 2 * max && Array.from(text).length <= max;
}

import { valueRules } from '../query/column-value.ts';
import type { FilterRule } from './list-rules.ts';

/** The longest text that is compared with from outside, in UTF-16 units. */
export const maxValueLength = 10_000;

/**
 * Makes a value of what came from outside, which may be text where a number is meant.
 *
 * @returns the value; undefined where it is none of the kind
 */
export function readOutsideValue(kind: FilterRule['kind'], value: unknown): string | number | undefined {
  if (typeof value === 'string' && value.length > maxValueLength) return undefined;
  return valueRules[kind].normalize(isNumberKind(kind) ? readNumber(kind, value) : value) as
    string | number | undefined;
}

/** `true` or `false`, as such or as text; undefined where it is neither. */
export function readOutsideFlag(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' ? false : undefined;
}

/** A whole number, as such or as text; undefined where it is none. */
export function readOutsideInteger(value: unknown): number | undefined {
  const number = readNumber('integer', value);
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

function isNumberKind(kind: FilterRule['kind']): kind is 'integer' | 'real' {
  return kind === 'integer' || kind === 'real';
}

// Written out: `Number` would take '', ' 1 ', '0x1' and '1e999' as well.
function readNumber(kind: 'integer' | 'real', value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const form = kind === 'integer' ? /^-?\d{1,16}$/u : /^-?\d{1,40}(?:\.\d{1,40})?$/u;
  return form.test(value) ? Number(value) : undefined;
}

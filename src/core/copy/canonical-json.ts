/**
 * The one text of a JSON value, so that two engines can be compared: one keeps the text, the other one sorts members and
 * writes numbers in its own way. Members stand in the order of their names, the last one of a name counts, and a number
 * is its digits and its exponent, to the last digit. Pure.
 */
import { canonicalNumber } from './canonical-decimal.ts';

interface ReviverContext {
  readonly source?: string;
}

/** As JSON.parse is since it shows the source of numbers. */
const parse = JSON.parse as (
  text: string,
  reviver?: (key: string, value: unknown, context: ReviverContext) => unknown,
) => unknown;

/** Stands for a number, in a form that no value of JSON has. */
class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Numbers that a double may not hold, or that may be written in several ways. */
const needsDigits = /\d{16}|\d[.eE]|-0/;

/**
 * Writes a JSON text in its one form.
 *
 * @param text JSON
 * @returns the text; equal for what means the same
 * @throws SyntaxError where it is no JSON
 */
export function canonicalJson(text: string): string {
  return write(needsDigits.test(text) ? parse(text, keepDigits) : parse(text));
}

function keepDigits(_key: string, value: unknown, { source }: ReviverContext): unknown {
  return typeof value === 'number' && source !== undefined ? new ExactNumber(canonicalNumber(source)) : value;
}

function write(value: unknown): string {
  if (value instanceof ExactNumber) return value.text;
  if (typeof value === 'number') return canonicalNumber(String(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as unknown[]).map(write).join(',')}]`;
  const members = value as Record<string, unknown>;
  return `{${Object.keys(members)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${write(members[name])}`)
    .join(',')}}`;
}

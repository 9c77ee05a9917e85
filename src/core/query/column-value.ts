import { sql, type RawBuilder } from 'kysely';
import type { ColumnKind } from '../engine/sql-vocabulary.ts';
import { normalizeJson } from './json-text.ts';
import { isStorableText } from './storable-text.ts';

/**
 * Which values a column of each kind may be compared with and filled with: those that come back as they
 * went in and compare alike on every engine.
 */
interface ValueRule {
  /** What is said of a value that does not fit. */
  readonly message: string;
  /** The value in its one form; undefined where it does not fit. NULL is not asked about. */
  normalize(value: unknown): string | number | Uint8Array | undefined;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const valueRules: Readonly<Record<ColumnKind, ValueRule>> = {
  uuid: {
    message: 'must be a UUID',
    normalize(value) {
      if (typeof value !== 'string') return undefined;
      if (uuidPattern.test(value)) return value;
      const id = value.toLowerCase();
      return uuidPattern.test(id) ? id : undefined;
    },
  },
  text: {
    message: 'must be text without NUL and lone surrogates',
    normalize: (value) => (typeof value === 'string' && isStorableText(value) ? value : undefined),
  },
  json: {
    message: 'must be the text of a JSON value, as encodeJson makes it',
    normalize: normalizeJson,
  },
  integer: {
    message: 'must be a safe integer',
    // Adding 0 turns -0 into 0, which is the one that integers have.
    normalize: (value) => (Number.isSafeInteger(value) ? (value as number) + 0 : undefined),
  },
  real: {
    message: 'must be a finite number',
    normalize: (value) => (Number.isFinite(value) ? (value as number) : undefined),
  },
  blob: {
    message: 'must be a Uint8Array',
    normalize: (value) => (value instanceof Uint8Array ? value : undefined),
  },
};

/**
 * A parameter to compare a column with.
 *
 * @param value as `valueRules` normalised it, or a slot for it
 */
export function bindValue(value: unknown, kind: ColumnKind): RawBuilder<unknown> {
  // Without the cast Postgres takes the parameter for an int4 where the column is one, and refuses a greater
  // number instead of finding that nothing equals it.
  return kind === 'integer' ? sql`cast(${value} as bigint)` : sql`${value}`;
}

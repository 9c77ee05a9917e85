import { ValidationError } from '../foundation/errors/validation-error.ts';

/**
 * Where a sealed value lies. It is part of what is authenticated and is not stored: a value that somebody moved
 * to another table, column, row or tenant does not open.
 */
export interface CipherPlace {
  /** The table; not empty. */
  readonly table: string;
  /** The column; not empty. */
  readonly column: string;
  /**
   * What names the row for good: its key, or each part of a key of several columns. For a row that is written by
   * an upsert the columns of the conflict, since the old row keeps its id. A text and a list with that text
   * alone are the same. Not empty.
   */
  readonly row: string | readonly string[];
  /** Whose row it is, where one table holds several tenants. None is another place than an empty one. */
  readonly tenant?: string;
}

/**
 * The place and the header of a value as bytes, for the additional authenticated data. Each part has its length
 * before it and each list its count, so that no two places give the same bytes.
 *
 * @param header the envelope up to its ciphertext
 * @throws ValidationError where a part is missing, or no well-formed text
 */
export function encodePlace(header: string, place: CipherPlace): Buffer {
  const { table, column, row, tenant } = place;
  const keys = typeof row === 'string' ? [row] : row;
  checkPlace(place, keys);
  const tenants = tenant === undefined ? [] : [tenant];
  return Buffer.concat([header, table, column].map(encodePart).concat(encodeList(tenants), encodeList(keys)));
}

function encodeList(parts: readonly string[]): Buffer[] {
  return [encodeLength(parts.length), ...parts.map(encodePart)];
}

function encodePart(part: string): Buffer {
  const bytes = Buffer.from(part);
  return Buffer.concat([encodeLength(bytes.length), bytes]);
}

function encodeLength(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

// Halves of surrogate pairs all become the same bytes, so they are no part of a place.
function checkPlace({ table, column, tenant }: CipherPlace, keys: readonly unknown[]): void {
  const parts: readonly (readonly [string, unknown])[] = [
    ['table', table],
    ['column', column],
    ['tenant', tenant ?? ' '],
    ...keys.map((key) => ['row', key] as const),
  ];
  const issues = parts
    .filter(
      ([name, part]) =>
        typeof part !== 'string' || !part.isWellFormed() || (part === '' && name !== 'tenant'),
    )
    .map(([name]) => ({ path: ['place', name], message: 'must be well-formed text that is not empty' }));
  if (keys.length === 0) issues.push({ path: ['place', 'row'], message: 'must name the row' });
  if (issues.length > 0) throw new ValidationError(issues);
}

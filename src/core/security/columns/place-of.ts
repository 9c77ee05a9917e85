import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { TableEncryption } from '../../foundation/table-encryption.ts';
import type { CipherPlace } from '../cipher-place.ts';

/**
 * The place that the value of a column belongs to.
 *
 * @param row with the columns that name it
 * @param uuids the columns that are stored in lower case, whatever the row has. Text is taken as it is, even where it
 *   looks like a UUID: two texts are two rows
 * @throws ValidationError where one of them is not known yet, or is neither text nor a whole number
 */
export function placeOf(
  encryption: TableEncryption,
  column: string,
  row: Readonly<Record<string, unknown>>,
  uuids: ReadonlySet<string>,
): CipherPlace {
  const { table, tenant } = encryption;
  const part = (name: string) => partOf(row[name], name, uuids.has(name));
  const place = { table, column, row: encryption.row.map(part) };
  return tenant === undefined ? place : { ...place, tenant: part(tenant) };
}

function partOf(value: unknown, name: string, isUuid: boolean): string {
  if (typeof value === 'string') return isUuid ? value.toLowerCase() : value;
  if (Number.isSafeInteger(value)) return String(value);
  throw new ValidationError([
    {
      path: [name],
      message:
        'must be known as text or a whole number before the row is sealed: encrypted values belong to it',
    },
  ]);
}

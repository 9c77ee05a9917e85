import { loadCrypto } from '../../foundation/node-crypto.ts';

/**
 * A digest of a JSON value that does not depend on the order of members.
 *
 * @param text the JSON text
 * @returns SHA-256 in hexadecimal
 */
export function hashJson(text: string): string {
  const sorted = JSON.stringify(JSON.parse(text), (_, value: unknown) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return loadCrypto().createHash('sha256').update(sorted).digest('hex');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Attaches an error to the one that came before it, as `suppressed`. The first one says what went wrong; the
 * second, what the cleaning behind it met.
 *
 * @param first stays as it is where it is no object, or frozen
 * @returns whether it could be attached
 */
export function suppress(first: unknown, second: unknown): boolean {
  if (typeof first !== 'object' || first === null || first === second || !Object.isExtensible(first))
    return false;
  // Not enumerable: logs and JSON show what they did before.
  Object.defineProperty(first, 'suppressed', { value: second, configurable: true, writable: true });
  return true;
}

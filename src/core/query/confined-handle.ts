import type { Kysely } from 'kysely';

const originals = new WeakMap<object, unknown>();

/**
 * Notes which handle stands behind one that meets some rows alone. For rooms that must see what the database itself
 * does to rows, such as a cascade: they are never to show it to whoever holds the confined handle.
 */
export function noteOriginal<DB>(confined: Kysely<DB>, original: Kysely<DB>): void {
  originals.set(confined, original);
}

/** The handle that stands behind every border; the same one where there is none. */
export function originalOf<DB>(handle: Kysely<DB>): Kysely<DB> {
  let original = handle;
  while (originals.has(original)) original = originals.get(original) as Kysely<DB>;
  return original;
}

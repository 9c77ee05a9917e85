/** The tags that do not come from tables. */

/** What every answer depends on; it moves where a write is understood by nobody. */
export const everything = '*';

/** What the application has named. */
export function ownTag(name: string): string {
  return `own:${name}`;
}

/** All answers of a namespace. */
export function namespaceTag(namespace: string): string {
  return `namespace:${namespace}`;
}

/** The form of a key id: it is part of stored values, so it holds none of their separators and needs no quoting. */
const keyIdForm = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Tells whether a text may be the id of a key: 1 to 64 letters, digits, dots, underscores and hyphens.
 *
 * @param id the text
 */
export function isKeyId(id: string): boolean {
  return keyIdForm.test(id);
}

/**
 * Keys that make message authentication codes: what was made with one can be checked, and by nobody who does not
 * have it be made. `KeyRing` of the security door is one.
 */
export interface MacKeys {
  /** The id of the key that makes new codes. */
  readonly activeId: string;
  /**
   * Makes the code of a text: HMAC-SHA-256 with a key of its own for each purpose.
   *
   * @param purpose what the code is for; another one gives an unrelated code
   * @param text well-formed text
   * @param keyId which key; the active one by default
   * @returns 64 hexadecimal digits in lower case
   * @throws UnknownKeyError where there is no such key
   */
  mac(purpose: string, text: string, keyId?: string): string;
}

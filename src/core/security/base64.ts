/**
 * Reads base64, with or without its padding, in the standard alphabet. Node leaves out what it does not know;
 * a key or a value that somebody mistyped must not become another one in silence.
 *
 * @returns undefined where the text is not the one way to write its bytes
 */
export function readBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  const written = bytes.toString('base64');
  return text === written || text === written.replace(/={1,2}$/, '') ? bytes : undefined;
}

/** As `readBase64`, for base64url without padding, the alphabet of stored values. */
export function readBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

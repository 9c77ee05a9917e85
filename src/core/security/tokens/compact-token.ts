import { readBase64Url } from '../base64.ts';
import { readStrictJson, type JsonMembers } from './strict-json.ts';
import { isKeyId } from './token-key.ts';

/** The longest token that is looked at, in characters: 8 KiB. */
export const longestToken = 8_192;

/** A token whose form was checked; its signature was not. */
export interface CompactToken {
  readonly kid: string;
  readonly alg: string;
  readonly typ: string;
  /** The bytes of the claims; nobody reads them before the signature was checked. */
  readonly payload: Uint8Array;
}

const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Members of a header that would let the token say how it is checked, or by which key. */
const forbiddenMembers = ['jku', 'x5u', 'jwk', 'x5c', 'crit', 'b64', 'zip', 'enc', 'cty'];

/**
 * Holds a token against the one strict form that is let in, before a library looks at it: three parts, canonical
 * base64url, at most 8 KiB, a header of plain members.
 *
 * @returns the token, or why it is refused, for the log
 */
export function readCompactToken(token: string): CompactToken | string {
  // The length first: what is too long costs nothing.
  if (token.length > longestToken) return 'it is too long';
  if (!compactForm.test(token)) return 'it is not three parts of base64url';
  const parts = token.split('.').map((part) => readBase64Url(part));
  const [head, payload] = parts;
  if (head === undefined || payload === undefined || parts.includes(undefined)) {
    return 'its base64url is not canonical';
  }
  const header = readStrictJson(head);
  if (header === undefined) return 'its header is no strict JSON object';
  return readHeader(header, payload);
}

function readHeader(header: JsonMembers, payload: Uint8Array): CompactToken | string {
  const forbidden = forbiddenMembers.find((name) => name in header);
  if (forbidden !== undefined) return `its header has "${forbidden}"`;
  const { alg, typ, kid } = header;
  if (typeof alg !== 'string') return 'its header names no algorithm';
  if (typeof typ !== 'string') return 'its header names no type';
  if (!isKeyId(kid)) return 'its header has no key id of the form that is let in';
  return { alg, typ, kid, payload };
}

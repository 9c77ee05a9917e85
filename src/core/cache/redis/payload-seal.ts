import { loadCrypto } from '../../foundation/node-crypto.ts';

/** Where a payload belongs: one that was moved does not open. */
export interface PayloadPlace {
  /** The table. */
  readonly table: string;
  /** A word that is no column: such a payload is none of a table. */
  readonly column: string;
  /** The key, and the stamps under which it is kept. */
  readonly row: readonly string[];
}

/** Seals what leaves the process. A `FieldCipher` fits. */
export interface PayloadSeal {
  /** @returns text */
  seal(plaintext: string, place: PayloadPlace): string;
  /**
   * @returns the plaintext, or what reveals it
   * @throws where it does not open in its place
   */
  open(sealed: string, place: PayloadPlace): string | { reveal(): string };
}

/**
 * Closes a text for its place. Without a seal it is only summed, which finds what was damaged or moved by mistake and stops
 * nobody who means to.
 */
export function closePayload(text: string, place: PayloadPlace, seal: PayloadSeal | undefined): string {
  return seal === undefined ? `p${sumOf(text, place)}${text}` : `s${seal.seal(text, place)}`;
}

/**
 * @returns undefined where it does not open
 */
export function openPayload(
  payload: string,
  place: PayloadPlace,
  seal: PayloadSeal | undefined,
): string | undefined {
  if (payload[0] !== (seal === undefined ? 'p' : 's')) return undefined;
  if (seal === undefined) {
    const text = payload.slice(1 + sumLength);
    return payload.slice(1, 1 + sumLength) === sumOf(text, place) ? text : undefined;
  }
  try {
    const opened = seal.open(payload.slice(1), place);
    return typeof opened === 'string' ? opened : opened.reveal();
  } catch {
    return undefined;
  }
}

const sumLength = 16;

function sumOf(text: string, { row }: PayloadPlace): string {
  const hash = loadCrypto().createHash('sha256').update(row.join('\n')).update('\n').update(text);
  return hash.digest('base64url').slice(0, sumLength);
}

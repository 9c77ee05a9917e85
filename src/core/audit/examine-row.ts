import { UnknownKeyError } from '../foundation/errors/security-errors.ts';
import type { MacKeys } from '../foundation/mac-keys.ts';
import { digestOf, hashOf, formOf, type ChainRow } from './chain-row.ts';

/** What can be told of a row by itself. A content that is erased cannot be told to be false. */
export type RowStanding = 'genuine' | 'false-hash' | 'false-content' | 'unknown-key';

/** Examines a row by itself, wherever it stands. */
export function examineRow(keys: MacKeys, row: ChainRow): RowStanding {
  const form = formOf(row);
  if (hashOf(row, form) !== row.hash) return 'false-hash';
  if (row.content === null) return 'genuine';
  try {
    return digestOf(keys, row, row.content, form) === row.content_digest ? 'genuine' : 'false-content';
  } catch (error) {
    if (error instanceof UnknownKeyError) return 'unknown-key';
    throw error;
  }
}

/**
 * Whether a row was written for a place: by its code, which nobody can forge, and by its hash where the content is
 * erased.
 */
export function isWrittenFor(keys: MacKeys, row: ChainRow, seq: number): boolean {
  const there = { ...row, seq };
  if (row.content === null) return hashOf(there) === row.hash;
  try {
    return digestOf(keys, there, row.content) === row.content_digest;
  } catch (error) {
    if (error instanceof UnknownKeyError) return false;
    throw error;
  }
}

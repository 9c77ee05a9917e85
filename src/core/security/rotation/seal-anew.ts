import { DecryptionError, UnknownKeyError } from '../../foundation/errors/security-errors.ts';
import type { TableEncryption } from '../../foundation/table-encryption.ts';
import type { RowCipher } from '../columns/row-cipher.ts';
import { envelopePrefix, readEnvelope } from '../envelope.ts';
import type { KeyRing } from '../key-ring.ts';
import { indexPrefix, type EncryptedRow } from './encrypted-rows.ts';

/** What became of a row. */
export interface SealedAnew {
  /** The new ciphertexts and blind indexes; empty where nothing of it opens. */
  readonly changes: EncryptedRow;
  /** How many of its values do not open. */
  readonly unreadable: number;
}

/**
 * Seals those values of a row anew that are not of the active key, or whose index is not.
 *
 * @throws UnknownKeyError where a value names a key that is not on the ring
 * @throws KeyExhaustedError where the active key has sealed as much as it may
 */
export function sealAnew(row: EncryptedRow, cipher: RowCipher, ring: KeyRing): SealedAnew {
  const { encryption } = cipher;
  const changes: Record<string, unknown> = {};
  let unreadable = 0;
  for (const [column, { index }] of Object.entries(encryption.columns)) {
    if (!needsSeal(row, column, index, ring.activeId)) continue;
    requireKey(row[column], column, encryption, ring);
    try {
      // The other encrypted columns are left out, so that each opens or does not by itself.
      const sealed = cipher.seal(cipher.open(onlyColumn(row, column, encryption)));
      changes[column] = sealed[column];
      if (index !== undefined) changes[index] = sealed[index];
    } catch (error) {
      if (!(error instanceof DecryptionError)) throw error;
      unreadable += 1;
    }
  }
  return { changes, unreadable };
}

function needsSeal(row: EncryptedRow, column: string, index: string | undefined, keyId: string): boolean {
  const value = row[column];
  if (value === null) return false;
  if (!beginsWith(value, envelopePrefix(keyId))) return true;
  return index !== undefined && !beginsWith(row[index], indexPrefix(keyId));
}

function beginsWith(value: unknown, prefix: string): boolean {
  return typeof value === 'string' && value.startsWith(prefix);
}

// A value whose key is missing is not damaged: it must be told from one that is, before anything is done.
function requireKey(value: unknown, column: string, { table }: TableEncryption, ring: KeyRing): void {
  const keyId = typeof value === 'string' ? readEnvelope(value)?.keyId : undefined;
  if (keyId === undefined || ring.has(keyId)) return;
  throw new UnknownKeyError(
    `A value of ${table}.${column} is sealed with the key ${keyId}, which the ring does not have; it was left as it is. Add the key under this id, behind the active one, and rotate again.`,
    keyId,
  );
}

function onlyColumn(row: EncryptedRow, column: string, { columns }: TableEncryption): EncryptedRow {
  return Object.fromEntries(
    Object.entries(row).filter(([name]) => name === column || !Object.hasOwn(columns, name)),
  );
}

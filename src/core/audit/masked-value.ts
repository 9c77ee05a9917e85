import type { MacKeys } from '../foundation/mac-keys.ts';
import type { FieldChange } from './audit-event.ts';

/** Stands for a value that is not to be in the trail. Equal values of one field have equal codes under one key. */
export interface MaskedValue {
  /** The id of the key, and the code in hex. */
  readonly $masked: string;
}

/** Stands for a value that lies encrypted in its table. Of it the trail tells that it is there, and nothing else. */
export interface SealedValue {
  /** Always true. */
  readonly $sealed: true;
}

/** Bytes, as they stand in the trail. */
export interface BytesValue {
  /** In base64. */
  readonly $bytes: string;
}

/** Stands for every value of an encrypted field. */
export const sealedValue: SealedValue = Object.freeze({ $sealed: true });

/**
 * The change of an encrypted field, for events of one's own: it says that the field was stored anew.
 *
 * @param field the field
 * @returns the change, without a value
 * @example
 * await log.record(tx, { action: 'rotate', entity: { type: 'api-key', id }, changes: [sealedChange('secret')] });
 */
export function sealedChange(field: string): FieldChange {
  return { field, old: sealedValue, new: sealedValue };
}

/**
 * Masks a value. The code is made with a key that the database does not hold, so that nobody finds the value by trying
 * all that it could be; and it is bound to the field, so that equal values of two fields show nothing.
 *
 * @param keys whose active key makes the code
 * @param place the type of the entity, and the field
 * @param value the value
 */
export function maskValue(
  keys: MacKeys,
  { entity, field }: { readonly entity: string; readonly field: string },
  value: string | number | Uint8Array,
): MaskedValue {
  const text = JSON.stringify([entity, field, value instanceof Uint8Array ? bytesValue(value) : value]);
  return { $masked: `${keys.activeId}:${keys.mac('audit mask', text, keys.activeId)}` };
}

/** The form in which bytes stand in the trail. */
export function bytesValue(bytes: Uint8Array): BytesValue {
  return { $bytes: Buffer.from(bytes).toString('base64') };
}

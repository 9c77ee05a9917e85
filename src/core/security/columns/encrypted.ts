import type { ColumnEncryption } from '../../foundation/table-encryption.ts';

/** How an encrypted column is searched. */
export interface EncryptedOptions<Index extends string> {
  /** The column of kind `text` that holds the blind index of the values. */
  readonly index: Index;
  /**
   * Gives a value its one form before it is indexed, so that what is meant to be equal is found: for e-mail
   * addresses `(text) => text.toLowerCase()`. What is sealed stays as it is. It must never change.
   */
  readonly normalize?: (value: string) => string;
}

/**
 * Says that a column is encrypted. With an index its values can be searched for by equality: who reads the
 * database then sees which rows have equal values, and nothing else of them.
 *
 * @param options the column of the blind index; without them values cannot be searched for
 * @returns the declaration, for `defineEncryption`
 * @example
 * defineEncryption({
 *   table: 'patients',
 *   key: 'id',
 *   columns: { notes: encrypted(), email: encrypted({ index: 'email_index' }) },
 * });
 */
export function encrypted(): ColumnEncryption<never>;
export function encrypted<const Index extends string>(
  options: EncryptedOptions<Index>,
): ColumnEncryption<Index>;
export function encrypted(options?: EncryptedOptions<string>): ColumnEncryption {
  return Object.freeze({ ...options });
}

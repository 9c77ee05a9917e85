import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { Secret } from '../../foundation/secret.ts';
import type { ColumnEncryption, TableEncryption } from '../../foundation/table-encryption.ts';
import { BlindIndex } from '../blind-index.ts';
import { FieldCipher } from '../field-cipher.ts';
import type { KeyRing } from '../key-ring.ts';
import { placeOf } from './place-of.ts';

type AnyRow = Readonly<Record<string, unknown>>;
type AnyColumns = Readonly<Record<string, ColumnEncryption>>;

// What was stored is in its one form.
const noUuids: ReadonlySet<string> = new Set();

/** The names of the columns that hold blind indexes. */
export type IndexName<Columns extends AnyColumns> = {
  [Name in keyof Columns]: Columns[Name] extends ColumnEncryption<infer Index> ? Index : never;
}[keyof Columns];

/**
 * Seals and opens the encrypted columns of one table's rows. `encryptMapper` puts it into a repository; by itself it
 * serves statements of one's own. It reads and writes nothing.
 *
 * @typeParam Columns the encrypted columns by name
 * @example
 * const users = new RowCipher(usersEncryption, KeyRing.fromEnv());
 * const row = users.seal({ id, email: new Secret('ada@example.org') }); // { id, email: 'l1.…', email_index: '…' }
 * users.open(row).email; // a Secret
 */
export class RowCipher<Columns extends AnyColumns = AnyColumns> {
  /** What is encrypted. */
  readonly encryption: TableEncryption<Columns>;
  readonly #cipher: FieldCipher;
  readonly #indexes: ReadonlyMap<string, BlindIndex>;

  /**
   * @param encryption what is encrypted
   * @param ring the keys: its active one seals, all of them open
   * @param cipher one that others use as well, so that they count what a key has sealed together
   */
  constructor(encryption: TableEncryption<Columns>, ring: KeyRing, cipher = new FieldCipher(ring)) {
    this.encryption = encryption;
    this.#cipher = cipher;
    this.#indexes = new Map(
      Object.entries(encryption.columns).flatMap(([column, { index }]) =>
        index === undefined ? [] : [[column, new BlindIndex(ring, { table: encryption.table, column })]],
      ),
    );
  }

  /**
   * Seals a row.
   *
   * @param row with a `Secret`, null or nothing in each encrypted column, and what names it, just as it is stored
   * @param uuids the columns whose values are stored as UUIDs in lower case, whatever the row has; a repository knows
   *   them by their kind. None by default: an id of a statement of one's own must be in lower case already
   * @returns a copy with envelopes and blind indexes. NULL stays NULL; what is not there stays away
   * @throws ValidationError where an encrypted column holds something else, or what names the row is not known yet
   * @throws KeyExhaustedError where the active key has sealed as much as it may
   */
  seal(row: AnyRow, uuids: ReadonlySet<string> = noUuids): Record<string, unknown> {
    const sealed: Record<string, unknown> = { ...row };
    for (const [column, { index }] of this.#columns()) {
      const value = row[column];
      if (value === undefined) {
        // An index that is handed in could be of another value.
        if (index !== undefined) delete sealed[index];
        continue;
      }
      if (value !== null && !(value instanceof Secret)) {
        throw new ValidationError([{ path: [column], message: 'must be a Secret: the column is encrypted' }]);
      }
      sealed[column] =
        value === null ? null : this.#cipher.seal(value, placeOf(this.encryption, column, row, uuids));
      if (index !== undefined) sealed[index] = value === null ? null : this.indexOf(column, value);
    }
    return sealed;
  }

  /**
   * Opens a row.
   *
   * @param row as it was read, with what names it
   * @returns a copy with a `Secret` in each encrypted column that is there and not NULL
   * @throws DecryptionError that names table and column, where a value is not what was sealed for this row, or its
   *   key is not on the ring
   */
  open(row: AnyRow): Record<string, unknown> {
    const opened: Record<string, unknown> = { ...row };
    for (const [column] of this.#columns()) {
      const value = row[column];
      if (value === undefined || value === null) continue;
      // What is no text was never sealed; the cipher says so as it does of any other forgery.
      const envelope = typeof value === 'string' ? value : '';
      opened[column] = this.#cipher.open(envelope, placeOf(this.encryption, column, row, noUuids));
    }
    return opened;
  }

  /**
   * The condition of the rows that have a value in an encrypted column, for every method that takes a filter.
   *
   * @param column an encrypted column that has an index
   * @param value what it is to equal, as the column's `normalize` sees it
   * @returns a filter on the blind index, under each key of the ring: while keys are rotated, either may be there
   * @throws ValidationError where the column has no index
   * @example
   * const ada = await users.findFirst(userCipher.equals('email', 'ada@example.org'));
   */
  equals<Name extends keyof Columns & string>(
    column: Name,
    value: string | Secret,
  ): Record<IndexName<Pick<Columns, Name>>, { readonly in: readonly string[] }> {
    const name = this.encryption.columns[column]?.index;
    if (name === undefined) throw withoutIndex(column);
    const filter = { [name]: { in: this.#indexFor(column).candidates(this.#normalize(column, value)) } };
    return filter as Record<IndexName<Pick<Columns, Name>>, { readonly in: readonly string[] }>;
  }

  /**
   * The blind index of a value, under the active key.
   *
   * @param column an encrypted column that has an index
   * @param value the value
   * @returns what the column of the index holds for it
   * @throws ValidationError where the column has no index
   */
  indexOf(column: keyof Columns & string, value: string | Secret): string {
    return this.#indexFor(column).of(this.#normalize(column, value));
  }

  #columns(): [string, ColumnEncryption][] {
    return Object.entries(this.encryption.columns);
  }

  #indexFor(column: string): BlindIndex {
    const index = this.#indexes.get(column);
    if (index === undefined) throw withoutIndex(column);
    return index;
  }

  #normalize(column: keyof Columns, value: string | Secret): string {
    const text = typeof value === 'string' ? value : value.reveal();
    return this.encryption.columns[column]?.normalize?.(text) ?? text;
  }
}

function withoutIndex(column: string): ValidationError {
  return new ValidationError([
    { path: [column], message: 'has no blind index; declare one by encrypted({ index }) to search by it' },
  ]);
}

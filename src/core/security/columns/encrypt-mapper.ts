import type { Insertable, Selectable } from 'kysely';
import type { Secret } from '../../foundation/secret.ts';
import type { ColumnEncryption, TableEncryption } from '../../foundation/table-encryption.ts';
import type { ColumnName } from '../../query/column.ts';
import type { RowMapper, SealedColumns } from '../../repository/row-mapper.ts';
import type { IndexName, RowCipher } from './row-cipher.ts';

type AnyColumns = Readonly<Record<string, ColumnEncryption>>;

/** A row whose encrypted columns are open: each holds a `Secret`, or null where it may be NULL. */
export type OpenRow<Row, Columns extends AnyColumns> = {
  readonly [Name in keyof Selectable<Row>]: Name extends keyof Columns
    ? Secret | Extract<Selectable<Row>[Name], null>
    : Selectable<Row>[Name];
};

/** A mapper that sees rows open. It never meets an envelope, and writes no blind index. */
export interface OpenRowMapper<Row, Columns extends AnyColumns, Entity> {
  /** As `RowMapper.fromRow`, of an open row. */
  fromRow(row: OpenRow<Row, Columns>): Entity;
  /** As `RowMapper.toRow`, an open row. What a blind index holds is worked out from it. */
  toRow(entity: Entity): Omit<Insertable<Row>, keyof Columns | IndexName<Columns>> & {
    readonly [Name in keyof Columns & keyof Selectable<Row>]: OpenRow<Row, Columns>[Name];
  };
}

/**
 * Makes a mapper that seals and opens: its repository stores ciphertexts alone, in every write, and gives the domain
 * `Secret`s, in every read. A filter, an order or a selection that names an encrypted column is refused, and so is
 * an upsert by other columns than those that name the row. These stand in the repository's key or its `insertOnly`.
 *
 * A write seals by the active key, whichever sealed the row before. A value that does not open is a DecryptionError of
 * the whole call, as an unreadable row is; it is never null and never left out.
 *
 * @param mapper sees open rows
 * @param cipher of the table
 * @returns the mapper, for the options of a repository
 * @example
 * const users = new Repository<Tables, 'users', User>(provider, {
 *   table: 'users',
 *   key: 'id',
 *   columns: { id: 'uuid', email: 'text', email_index: 'text' },
 *   mapper: encryptMapper(userMapper, new RowCipher(usersEncryption, ring)),
 * });
 * const ada = await users.findFirst(userCipher.equals('email', 'ada@example.org'));
 * ada?.email.reveal();
 */
export function encryptMapper<Row, Columns extends AnyColumns, Entity>(
  mapper: OpenRowMapper<Row, Columns, Entity>,
  cipher: RowCipher<Columns>,
): RowMapper<Row, Entity> {
  return {
    fromRow: (stored) => mapper.fromRow(cipher.open(stored) as OpenRow<Row, Columns>),
    toRow: (entity, uuids) => cipher.seal(mapper.toRow(entity), uuids) as Insertable<Row>,
    sealed: sealedColumnsOf<Row>(cipher.encryption),
  };
}

/**
 * What a mapper says of encrypted columns that it never opens: one for whoever works with the rest of a row and has no
 * key. Its `toRow` leaves these columns out, so that an update keeps them.
 *
 * @param encryption what is encrypted in the table
 * @returns the member `sealed` of the mapper
 * @example
 * const mapper = { fromRow: userFromRow, toRow: userToRow, sealed: sealedColumnsOf<UsersTable>(usersEncryption) };
 */
export function sealedColumnsOf<Row>({ columns, row, tenant }: TableEncryption): SealedColumns<Row> {
  const boundTo = tenant === undefined || row.includes(tenant) ? row : [...row, tenant];
  return {
    columns: Object.keys(columns) as ColumnName<Row>[],
    boundTo: boundTo as readonly ColumnName<Row>[],
    indexes: Object.fromEntries(
      Object.entries(columns).flatMap(([name, { index }]) => (index === undefined ? [] : [[name, index]])),
    ),
  };
}

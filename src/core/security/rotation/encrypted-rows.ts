/** The statements of a rotation: they walk along the key of a table, and see ciphertexts alone. */
import { sql, type RawBuilder, type SqlBool } from 'kysely';
import type { TableEncryption } from '../../foundation/table-encryption.ts';
import { envelopePrefix } from '../envelope.ts';

/** A row as it is stored, with what a statement has read of it. */
export type EncryptedRow = Readonly<Record<string, unknown>>;

/** The columns that name a row: its key, its place and its tenant. */
function namesOf({ key, row, tenant }: TableEncryption): readonly string[] {
  return [...new Set([...key, ...row, ...(tenant === undefined ? [] : [tenant])])];
}

/** The encrypted columns and those of their blind indexes. */
function ciphertextColumns({ columns }: TableEncryption): readonly string[] {
  return Object.entries(columns).flatMap(([name, { index }]) =>
    index === undefined ? [name] : [name, index],
  );
}

/** How every blind index begins that a key has made. */
export function indexPrefix(keyId: string): string {
  return `${keyId}:`;
}

/** Whether something of a row is not of a key. A value that has no index yet counts as well. */
export function isStale({ columns }: TableEncryption, keyId: string): RawBuilder<SqlBool> {
  const conditions = Object.entries(columns).flatMap(([name, { index }]) => [
    notOf(sql.ref(name), envelopePrefix(keyId)),
    ...(index === undefined
      ? []
      : [
          sql<SqlBool>`(${sql.ref(name)} is not null and ${notOf(sql`coalesce(${sql.ref(index)}, '')`, indexPrefix(keyId))})`,
        ]),
  ]);
  return sql<SqlBool>`(${sql.join(conditions, sql` or `)})`;
}

// By its first characters and not by `like`, in which a `_` of an id would stand for any character.
function notOf(value: RawBuilder<unknown>, prefix: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`substr(${value}, 1, ${prefix.length}) <> ${prefix}`;
}

/** Reads the next rows behind a place. */
export function nextRows(
  encryption: TableEncryption,
  options: {
    readonly behind: EncryptedRow | undefined;
    readonly limit: number;
    readonly where?: RawBuilder<SqlBool>;
    /** The most characters that are read of a ciphertext; all of them by default. */
    readonly head?: number;
  },
): RawBuilder<EncryptedRow> {
  const { behind, limit, where = sql<SqlBool>`1 = 1`, head } = options;
  const { table, key } = encryption;
  const keyColumns = key.map((name) => sql.ref(name));
  const ciphertexts = ciphertextColumns(encryption).map((name) =>
    head === undefined ? sql.ref(name) : sql`substr(${sql.ref(name)}, 1, ${head}) as ${sql.ref(name)}`,
  );
  const selected = sql.join([...namesOf(encryption).map((name) => sql.ref(name)), ...ciphertexts]);
  const place =
    behind === undefined
      ? sql`1 = 1`
      : sql`${tuple(keyColumns)} > ${tuple(key.map((name) => sql`${behind[name]}`))}`;
  return sql<EncryptedRow>`select ${selected} from ${sql.table(table)}
    where ${place} and ${where} order by ${sql.join(keyColumns)} limit ${limit}`;
}

/** Counts rows. */
export function countRows(table: string, where: RawBuilder<SqlBool>): RawBuilder<{ readonly rows: number }> {
  return sql`select count(*) as "rows" from ${sql.table(table)} where ${where}`;
}

/**
 * Puts new ciphertexts in the place of those that were read. It changes nothing where somebody else has written
 * meanwhile: no two seals of a value give the same ciphertext.
 *
 * @returns a row where it did
 */
export function swapCiphertexts(
  { table, key, columns }: TableEncryption,
  before: EncryptedRow,
  after: EncryptedRow,
): RawBuilder<unknown> {
  const changes = Object.entries(after).map(([name, value]) => sql`${sql.ref(name)} = ${value}`);
  const isSame = [...key, ...Object.keys(after).filter((name) => Object.hasOwn(columns, name))].map(
    (name) => sql`${sql.ref(name)} = ${before[name]}`,
  );
  return sql`update ${sql.table(table)} set ${sql.join(changes)}
    where ${sql.join(isSame, sql` and `)} returning 1 as "swapped"`;
}

function tuple(parts: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return parts.length === 1 ? sql`${parts[0]}` : sql`(${sql.join(parts)})`;
}

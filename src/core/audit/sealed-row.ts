import { sql, type Kysely } from 'kysely';
import { UnknownKeyError } from '../foundation/errors/security-errors.ts';
import type { MacKeys } from '../foundation/mac-keys.ts';
import type { AuditTables } from './audit-tables.ts';
import { formSeparator, formStart, hashText, toldColumns, type ChainLink } from './chain-row.ts';

/**
 * A row as a verification reads it: the database puts its columns together in the form that is hashed, which costs less
 * than to send them one by one and to join them here.
 */
export interface SealedRow {
  readonly stream: string;
  readonly seq: number;
  readonly key_id: string;
  /** Hash, link, code and form, with a separator between them. */
  readonly sealed: string;
  /** Null where it is erased, and where it is long and has to be read by itself. */
  readonly content: string | null;
  /** Null where it is erased. */
  readonly content_bytes: number | null;
}

/** Longer contents are read one by one, so that a page is small whatever is in it. */
const longestContent = 32_768;

const hexLength = 64;
const prevAt = hexLength + 1;
const codeAt = prevAt + hexLength + 1;
const formAt = codeAt + hexLength + 1;

// By operators: Postgres takes twice as long for `concat`, which looks up how each of its values is written for each row.
const separator = sql`'\u001F'`;
const parts = [
  sql`${sql.ref('hash')} || ${separator} || ${sql.ref('prev_hash')} || ${separator} || ${sql.ref('content_digest')}`,
  sql`${separator} || cast(${formStart} as text)`,
  ...toldColumns.whole.map((column) => sql`${separator} || ${sql.ref(column)}`),
  ...toldColumns.maybe.map((column) => sql`coalesce('\u001F=' || ${sql.ref(column)}, ${separator})`),
];
// Where a column is NULL that never is, the row has to be looked at column by column.
const sealed = sql<string>`coalesce(${sql.join(parts, sql` || `)}, '')`;

/** Reads rows in the order of their chains. */
export function readSealedRows(
  db: Kysely<AuditTables>,
  behind: Pick<SealedRow, 'stream' | 'seq'> | undefined,
  limit: number,
): Promise<SealedRow[]> {
  return db
    .selectFrom('audit_logs')
    .select([
      'stream',
      'seq',
      'key_id',
      sealed.as('sealed'),
      sql<
        string | null
      >`case when octet_length(content) <= ${sql`cast(${longestContent} as integer)`} then content end`.as(
        'content',
      ),
      sql<number | null>`octet_length(content)`.as('content_bytes'),
    ])
    .$if(behind !== undefined, (query) =>
      query.where((row) => row(row.refTuple('stream', 'seq'), '>', row.tuple(behind!.stream, behind!.seq))),
    )
    .orderBy('stream')
    .orderBy('seq')
    .limit(limit)
    .execute();
}

/**
 * The place of a row in its chain.
 *
 * @returns undefined where its hashes are none, and its columns have to be looked at one by one
 */
export function linkOf({ seq, sealed: text }: SealedRow): ChainLink | undefined {
  const isWhole =
    text[hexLength] === formSeparator &&
    text[codeAt - 1] === formSeparator &&
    text[formAt - 1] === formSeparator;
  if (!isWhole) return undefined;
  return { seq, hash: text.slice(0, hexLength), prev_hash: text.slice(prevAt, codeAt - 1) };
}

/**
 * Whether a row is what was recorded. Where it is not, its columns have to be looked at one by one: a value that holds
 * the separator has another form, a key may be missing, and a long content is not here.
 *
 * A text that is equal to a genuine one has as many separators, so that no value of the row holds any, and each is the
 * same.
 *
 * @param row of which `linkOf` knows the place
 */
export function isSealedGenuine(keys: MacKeys, row: SealedRow): boolean {
  const { sealed: text, content, content_bytes: bytes } = row;
  if (hashText(text.slice(prevAt)) !== text.slice(0, hexLength)) return false;
  if (bytes === null) return true;
  if (content === null) return false;
  try {
    const code = keys.mac('audit content', `${text.slice(formAt)}${formSeparator}${content}`, row.key_id);
    return code === text.slice(codeAt, formAt - 1);
  } catch (error) {
    if (error instanceof UnknownKeyError) return false;
    throw error;
  }
}

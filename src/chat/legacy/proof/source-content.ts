import { sql, type Kysely } from 'kysely';
import { findLegacyId, makeLegacyId } from '../legacy-id.ts';
import type { NotedPlaces } from './noted-places.ts';
import { canonicalJson, mended, type MessageContent, type ThreadContent } from './thread-content.ts';

/** A row of a legacy table, all as text. */
export interface SourceRow {
  /** In decimal digits. */
  readonly rowid: string;
  readonly columns: Readonly<Record<string, string | null>>;
}

/** Of rows that are compared together, in bytes. */
const mostBytes = 4 * 1024 * 1024;

type Members = Record<string, unknown>;

/**
 * Reads a legacy table for the proof, by statements of its own.
 *
 * @param db the snapshot
 * @param table which
 * @param size how many rows come together at most; fewer where they are long
 */
export async function* readSourceRows(
  db: Kysely<unknown>,
  table: 'users' | 'context_threads',
  size: number,
): AsyncGenerator<readonly SourceRow[]> {
  const { rows: found } = await sql<{ name: string }>`select name from pragma_table_info(${table})`.execute(
    db,
  );
  if (found.length === 0) return;
  const columns = sql.join(found.map(({ name }) => sql`cast(${sql.ref(name)} as text) as ${sql.ref(name)}`));
  const lengths = sql.join(
    found.map(({ name }) => sql`coalesce(octet_length(${sql.ref(name)}), 0)`),
    sql` + `,
  );
  for (let rest = sql`true`; ;) {
    // SQLite knows the lengths without reading the texts: of a thread of 10 MB no hundred lie in memory at once.
    const { rows: sizes } = await sql<{ legacy_rowid: string; bytes: number }>`
      select cast(rowid as text) as legacy_rowid, ${lengths} as bytes from ${sql.table(table)}
      where ${rest} order by rowid limit ${size}`.execute(db);
    if (sizes.length === 0) return;
    const last = lastOf(sizes);
    const { rows } = await sql<Record<string, string | null> & { legacy_rowid: string }>`
      select cast(rowid as text) as legacy_rowid, ${columns} from ${sql.table(table)}
      where ${rest} and rowid <= cast(${last} as integer) order by rowid`.execute(db);
    yield rows.map(({ legacy_rowid, ...row }) => ({ rowid: legacy_rowid, columns: row }));
    rest = sql`rowid > cast(${last} as integer)`;
  }
}

/** The last row that fits in with the first one. */
function lastOf(sizes: readonly { readonly legacy_rowid: string; readonly bytes: number }[]): string {
  let sum = 0;
  let last = sizes[0]!.legacy_rowid;
  for (const { legacy_rowid: rowid, bytes } of sizes) {
    sum += bytes;
    if (sum > mostBytes) break;
    last = rowid;
  }
  return last;
}

/** The id that a legacy record is to have. */
export function targetIdOf(
  { rowid, columns }: SourceRow,
  table: 'users' | 'context_threads',
  source: number,
  noted: NotedPlaces,
): string {
  const id = columns['id'] ?? '';
  if (noted.isMended('id') && !isUsable(id)) return makeLegacyId(table, '', String(source), rowid);
  return findLegacyId(id, table).id;
}

function isUsable(id: string): boolean {
  return id !== '' && id.length <= 500 && !id.includes('\0') && id.isWellFormed();
}

/** The members of the array of messages; none where it could not be read. */
export function elementsOf({ columns }: SourceRow): readonly unknown[] {
  const value = parse(columns['messages']);
  return Array.isArray(value) ? value : [];
}

/** How many members a JSON object of a column has. */
export function countMembers({ columns }: SourceRow, column: string): number {
  const value = parse(columns[column]);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value).length : 0;
}

/** What a thread is to be, as the legacy row says. */
export function contentOfSource(row: SourceRow, id: string, noted: NotedPlaces): ThreadContent {
  const { columns } = row;
  const of = (place: string, value: string): string => (noted.isMended(place) ? mended : value);
  const messages: MessageContent[] = [];
  const elements = noted.isUnreadable('messages') ? [] : elementsOf(row);
  for (const [index, element] of elements.entries()) {
    const place = `messages.${index}`;
    if (!noted.isOut(place)) messages.push(messageOf(element as Members, place, messages.length + 1, id, of));
  }
  return {
    id,
    title: of('title', (columns['title'] ?? '').trim()),
    // What was mended may nest deeper than can be written again.
    metadata: noted.isMended('metadata') ? mended : canonicalJson(parse(columns['metadata']) ?? null),
    createdAt: of('created_at', columns['created_at'] ?? ''),
    updatedAt: of('updated_at', columns['updated_at'] ?? ''),
    nextSeq: messages.length + 1,
    messages,
  };
}

function messageOf(
  element: Members,
  place: string,
  seq: number,
  threadId: string,
  of: (place: string, value: string) => string,
): MessageContent {
  const { id, role, content, status, metadata, createdAt } = element;
  return {
    seq,
    id: of(`${place}.id`, findLegacyId(textOf(id), 'messages', threadId).id),
    role: textOf(role),
    content: of(`${place}.content`, textOf(content)),
    status: of(`${place}.status`, textOf(status ?? 'complete')),
    metadata: of(`${place}.metadata`, canonicalJson(metadata ?? null)),
    createdAt: of(`${place}.createdAt`, textOf(createdAt)),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : canonicalJson(value ?? null);
}

function parse(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

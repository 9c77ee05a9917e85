import type { LegacyHandle } from '../legacy-tables.ts';
import type { NotedPlaces } from './noted-places.ts';
import { canonicalJson, mended, type ThreadContent } from './thread-content.ts';

/**
 * Reads what threads are in the target, by plain statements.
 *
 * @param db the target
 * @param noted what was mended of each, by its id
 * @returns those that are there, by their ids
 */
export async function readTargetThreads(
  db: LegacyHandle,
  noted: ReadonlyMap<string, NotedPlaces>,
): Promise<Map<string, ThreadContent>> {
  const ids = [...noted.keys()];
  if (ids.length === 0) return new Map();
  const threads = await db.selectFrom('context_threads').selectAll().where('id', 'in', ids).execute();
  const messages = await db
    .selectFrom('messages')
    .selectAll()
    .where('thread_id', 'in', ids)
    .orderBy('thread_id')
    .orderBy('seq')
    .execute();
  const byThread = Map.groupBy(messages, (row) => row.thread_id);
  return new Map(
    threads.map((row) => {
      const places = noted.get(row.id)!;
      const of = (place: string, value: string): string => (places.isMended(place) ? mended : value);
      const content: ThreadContent = {
        id: row.id,
        title: of('title', row.title ?? ''),
        metadata: of('metadata', canonicalJson(JSON.parse(row.metadata ?? 'null'))),
        createdAt: of('created_at', String(row.created_at)),
        updatedAt: of('updated_at', String(row.updated_at)),
        nextSeq: row.next_seq,
        messages: (byThread.get(row.id) ?? []).map((message) => {
          const at = (field: string, value: string): string =>
            places.isMendedAt(message.seq, field) ? mended : value;
          return {
            seq: message.seq,
            id: at('id', message.id),
            role: message.role,
            content: at('content', message.content),
            status: at('status', message.status),
            metadata: at('metadata', canonicalJson(JSON.parse(message.metadata ?? 'null'))),
            createdAt: at('createdAt', String(message.created_at)),
          };
        }),
      };
      return [row.id, content];
    }),
  );
}

/** The tables of what is a user's. */
export const ownedTables = ['oauth_identities', 'api_keys', 'user_preferences'] as const;

/** Counts what is each user's. @returns by user, then by table; who is not there is left out */
export async function countOwned(
  db: LegacyHandle,
  ids: readonly string[],
): Promise<Map<string, Map<(typeof ownedTables)[number], number>>> {
  if (ids.length === 0) return new Map();
  const users = await db.selectFrom('users').select('id').where('id', 'in', ids).execute();
  const counts = new Map(users.map(({ id }) => [id, new Map<(typeof ownedTables)[number], number>()]));
  for (const table of ownedTables) {
    const rows = await db
      .selectFrom(table)
      .select(({ fn }) => ['user_id', fn.countAll<number>().as('count')])
      .where('user_id', 'in', ids)
      .groupBy('user_id')
      .execute();
    for (const { user_id, count } of rows) counts.get(user_id)?.set(table, Number(count));
  }
  return counts;
}

/** How many rows a table has. */
export async function countRows(
  db: LegacyHandle,
  table: 'users' | 'context_threads' | 'messages' | (typeof ownedTables)[number],
): Promise<number> {
  const { count } = await db
    .selectFrom(table)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

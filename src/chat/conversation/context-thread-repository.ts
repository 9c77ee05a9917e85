import { sql, type Kysely } from 'kysely';
import {
  NotFoundError,
  prepare,
  Repository,
  type Param,
  type PreparedQuery,
  type RepositoryProvider,
} from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import { ThreadId } from '../ids.ts';
import { contextThreadFromRow, contextThreadToRow } from './context-thread-mapper.ts';
import type { ContextThread } from './context-thread.ts';

interface PlaceParams {
  readonly id: ThreadId;
  readonly count: number;
  readonly now: number;
}

/** Finds and changes threads. Deleting one deletes its messages. */
export class ContextThreadRepository extends Repository<
  ChatDatabase,
  'context_threads',
  ContextThread,
  { metadata: unknown }
> {
  readonly #takePlaces: PreparedQuery<ChatDatabase, PlaceParams, { next_seq: number }>;

  /** @param provider of a database that holds the chat's tables */
  constructor(provider: RepositoryProvider<ChatDatabase>) {
    super(provider, {
      table: 'context_threads',
      key: 'id',
      version: 'version',
      // Appends move the next place without a new version, so an entity that was read before one must
      // not put the old place back.
      insertOnly: ['next_seq', 'source_id', 'created_at'],
      growing: ['updated_at'],
      unique: [['source_id']],
      columns: {
        id: 'uuid',
        owner_id: 'uuid?',
        source_id: 'text?',
        title: 'text?',
        metadata: 'json?',
        next_seq: 'integer',
        version: 'integer',
        created_at: 'integer',
        updated_at: 'integer',
      },
      mapper: { fromRow: contextThreadFromRow, toRow: contextThreadToRow },
    });
    this.#takePlaces = prepare(provider, (db, param: Param<PlaceParams>) =>
      db
        .updateTable('context_threads')
        .set((thread) => ({
          next_seq: thread('next_seq', '+', param('count')),
          updated_at: sql<number>`case when updated_at < ${param('now')} then ${param('now')} else updated_at end`,
        }))
        .where('id', '=', param('id'))
        .returning('next_seq'),
    );
  }

  /**
   * Takes the next places in a thread for new messages, and moves the thread's time on; its version stays.
   * It holds the thread's row until the transaction ends, so that appends to one thread follow each other.
   *
   * @param on the transaction that writes the messages as well
   * @param id the thread
   * @param count how many places, from 1
   * @param now in ms since the Unix epoch
   * @returns the first of the places
   * @throws NotFoundError where there is no such thread, ValidationError where the id is none
   */
  async takePlaces(on: Kysely<ChatDatabase>, id: ThreadId, count: number, now: number): Promise<number> {
    const row = await this.#takePlaces.first({ id: ThreadId.parse(id), count, now }, { on });
    if (row === undefined) throw new NotFoundError('context_threads');
    return row.next_seq - count;
  }
}

import { Repository, type RepositoryProvider } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import { messageFromRow, messageToRow } from './message-mapper.ts';
import type { Message } from './message.ts';

/**
 * Finds and changes messages. It knows nothing of the search index and of the places in a thread: new
 * messages and new contents go through the conversation service.
 */
export class MessageRepository extends Repository<ChatDatabase, 'messages', Message, { metadata: unknown }> {
  /** @param provider of a database that holds the chat's tables */
  constructor(provider: RepositoryProvider<ChatDatabase>) {
    super(provider, {
      table: 'messages',
      key: 'id',
      version: 'version',
      insertOnly: ['thread_id', 'seq', 'role', 'created_at'],
      unique: [['thread_id', 'seq']],
      columns: {
        id: 'uuid',
        thread_id: 'uuid',
        seq: 'integer',
        role: 'text',
        content: 'text',
        status: 'text',
        metadata: 'json?',
        version: 'integer',
        created_at: 'integer',
      },
      mapper: { fromRow: messageFromRow, toRow: messageToRow },
    });
  }
}

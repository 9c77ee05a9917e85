import type { Clock, DatabaseProvider } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import type { ContextThreadRepository } from './context-thread-repository.ts';
import type { MessageRepository } from './message-repository.ts';
import type { MessageSearch } from './message-search.ts';

/** What the work on conversations is made of. */
export interface ConversationParts {
  /** Of a database that holds the chat's tables. */
  readonly provider: DatabaseProvider<ChatDatabase>;
  /** Of the same provider, as the next two. */
  readonly threads: ContextThreadRepository;
  /** Finds and changes messages. */
  readonly messages: MessageRepository;
  /** The index that is kept beside the messages. */
  readonly search: MessageSearch;
  /** Says when threads and messages are made. */
  readonly clock: Clock;
}

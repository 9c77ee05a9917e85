import type { Clock, TransactionalProvider } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import type { ContextThreadRepository } from './context-thread-repository.ts';
import type { MessageRepository } from './message-repository.ts';
import type { MessageSearch } from './message-search.ts';

/** What the work on conversations is made of. */
export interface ConversationParts {
  /** A database that holds the chat's tables, or a unit of work on one. */
  readonly provider: TransactionalProvider<ChatDatabase>;
  /** Of the same provider or unit, as the next two. */
  readonly threads: ContextThreadRepository;
  /** Finds and changes messages. */
  readonly messages: MessageRepository;
  /** The index that is kept beside the messages. */
  readonly search: MessageSearch;
  /** Says when threads and messages are made. */
  readonly clock: Clock;
}

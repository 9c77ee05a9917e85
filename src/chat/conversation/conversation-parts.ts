import type { Clock, DatabaseProvider } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import type { ContextThreadRepository } from './context-thread-repository.ts';
import type { MessageRepository } from './message-repository.ts';
import type { MessageSearch } from './message-search.ts';

/** What the work on conversations is made of. */
export interface ConversationParts {
  readonly provider: DatabaseProvider<ChatDatabase>;
  readonly threads: ContextThreadRepository;
  readonly messages: MessageRepository;
  readonly search: MessageSearch;
  readonly clock: Clock;
}

import type { MessageRole } from './message-role.ts';
import type { MessageStatus } from './message-status.ts';

/** What is known of a message before it has its place. */
export interface NewMessage {
  /** Who speaks. */
  readonly role: MessageRole;
  /** At most 1 MiB as UTF-8; empty only where the status is not `complete`. */
  readonly content: string;
  /** `complete` by default. */
  readonly status?: MessageStatus;
  /** A JSON object of at most 64 KiB. */
  readonly metadata?: unknown;
}

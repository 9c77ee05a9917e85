import type { MessageId } from '../ids.ts';
import type { MessageRole } from './message-role.ts';
import type { MessageStatus } from './message-status.ts';

/** What is known of a message before it has its place. */
export interface NewMessage {
  /** A new one by default. One that is chosen lets a caller who comes twice find what they stored before. */
  readonly id?: MessageId | undefined;
  /** Who speaks. */
  readonly role: MessageRole;
  /** At most 1 MiB as UTF-8; empty only where the status is not `complete`. */
  readonly content: string;
  /** `complete` by default. */
  readonly status?: MessageStatus;
  /** A JSON object of at most 64 KiB. */
  readonly metadata?: unknown;
}

import { decodeJson, encodeJson, readColumn } from '../../core/index.ts';
import type { MessagesTable } from '../chat-database.ts';
import { MessageId, ThreadId } from '../ids.ts';
import { parseJsonObject } from '../json-value.ts';
import { Counter, EpochMillis } from '../whole-numbers.ts';
import { parseMessageRole } from './message-role.ts';
import { parseMessageStatus } from './message-status.ts';
import { parseContentOf, type Message } from './message.ts';
import { optional } from '../optional.ts';

/**
 * Makes a message of a stored row.
 *
 * @throws ValidationError where a column breaks a rule; its path begins with the column
 */
export function messageFromRow(row: MessagesTable): Message {
  const status = readColumn(row, 'status', parseMessageStatus);
  return Object.freeze({
    id: readColumn(row, 'id', MessageId.parse),
    threadId: readColumn(row, 'thread_id', ThreadId.parse),
    seq: readColumn(row, 'seq', Counter.parse),
    role: readColumn(row, 'role', parseMessageRole),
    content: readColumn(row, 'content', (content) => parseContentOf(status, content)),
    status,
    metadata: readColumn(row, 'metadata', (value) =>
      optional(value, (text) => parseJsonObject(decodeJson(text))),
    ),
    version: readColumn(row, 'version', Counter.parse),
    createdAt: readColumn(row, 'created_at', EpochMillis.parse),
  });
}

/** Makes the row that stores a message, with every column. */
export function messageToRow(message: Message): MessagesTable {
  return {
    id: message.id,
    thread_id: message.threadId,
    seq: message.seq,
    role: message.role,
    content: message.content,
    status: message.status,
    metadata: optional(message.metadata, (value) => encodeJson(value, 'metadata')) ?? null,
    version: message.version,
    created_at: message.createdAt,
  };
}

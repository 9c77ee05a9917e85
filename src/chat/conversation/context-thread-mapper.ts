import { decodeJson, encodeJson, readColumn } from '../../core/index.ts';
import type { ContextThreadsTable } from '../chat-database.ts';
import { ThreadId, UserId } from '../ids.ts';
import { parseJsonObject } from '../json-value.ts';
import { Counter, EpochMillis } from '../whole-numbers.ts';
import { SourceId, type ContextThread } from './context-thread.ts';
import { ThreadTitle } from './thread-title.ts';
import { optional } from '../optional.ts';

/**
 * Makes a thread of a stored row.
 *
 * @throws ValidationError where a column breaks a rule; its path begins with the column
 */
export function contextThreadFromRow(row: ContextThreadsTable): ContextThread {
  return Object.freeze({
    id: readColumn(row, 'id', ThreadId.parse),
    ownerId: readColumn(row, 'owner_id', (value) => optional(value, UserId.parse)),
    sourceId: readColumn(row, 'source_id', (value) => optional(value, SourceId.parse)),
    title: readColumn(row, 'title', (value) => optional(value, ThreadTitle.parse)),
    metadata: readColumn(row, 'metadata', (value) =>
      optional(value, (text) => parseJsonObject(decodeJson(text))),
    ),
    nextSeq: readColumn(row, 'next_seq', Counter.parse),
    version: readColumn(row, 'version', Counter.parse),
    createdAt: readColumn(row, 'created_at', EpochMillis.parse),
    updatedAt: readColumn(row, 'updated_at', EpochMillis.parse),
  });
}

/** Makes the row that stores a thread, with every column. */
export function contextThreadToRow(thread: ContextThread): ContextThreadsTable {
  return {
    id: thread.id,
    owner_id: thread.ownerId ?? null,
    source_id: thread.sourceId ?? null,
    title: thread.title ?? null,
    metadata: optional(thread.metadata, (value) => encodeJson(value, 'metadata')) ?? null,
    next_seq: thread.nextSeq,
    version: thread.version,
    created_at: thread.createdAt,
    updated_at: thread.updatedAt,
  };
}

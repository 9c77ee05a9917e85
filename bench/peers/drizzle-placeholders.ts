import { sql } from 'drizzle-orm';
import type { MessageFilter } from '../contender.ts';

/** A row of `messages`, with a placeholder for each column. */
export const messagePlaceholders = {
  id: sql.placeholder('id'),
  thread_id: sql.placeholder('thread_id'),
  seq: sql.placeholder('seq'),
  role: sql.placeholder('role'),
  content: sql.placeholder('content'),
  status: sql.placeholder('status'),
  metadata: sql.placeholder('metadata'),
  version: sql.placeholder('version'),
  created_at: sql.placeholder('created_at'),
};

/** Filters of one shape are one statement. */
export function shapeOf({ role, since, statuses }: MessageFilter): number {
  return (role === undefined ? 0 : 1) + (since === undefined ? 0 : 2) + (statuses === undefined ? 0 : 4);
}

/** The values for a filter's placeholders. */
export function filterParameters({
  threadId,
  role,
  since,
  statuses,
}: MessageFilter): Record<string, unknown> {
  return { threadId, role, since, status0: statuses?.[0], status1: statuses?.[1] };
}

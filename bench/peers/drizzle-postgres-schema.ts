import { bigint, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';

/** `metadata` is jsonb and always NULL here; as text it would be read the same. */
export const messages = pgTable('messages', {
  id: uuid().primaryKey(),
  thread_id: uuid().notNull(),
  seq: integer().notNull(),
  role: text().notNull(),
  content: text().notNull(),
  status: text().notNull(),
  metadata: text(),
  version: integer().notNull(),
  created_at: bigint({ mode: 'number' }).notNull(),
});

export const threads = pgTable('context_threads', {
  id: uuid().primaryKey(),
  owner_id: uuid(),
  source_id: text(),
  title: text(),
  metadata: text(),
  next_seq: integer().notNull(),
  version: integer().notNull(),
  created_at: bigint({ mode: 'number' }).notNull(),
  updated_at: bigint({ mode: 'number' }).notNull(),
});

import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const messages = sqliteTable('messages', {
  id: text().primaryKey(),
  thread_id: text().notNull(),
  seq: integer().notNull(),
  role: text().notNull(),
  content: text().notNull(),
  status: text().notNull(),
  metadata: text(),
  version: integer().notNull(),
  created_at: integer().notNull(),
});

export const threads = sqliteTable('context_threads', {
  id: text().primaryKey(),
  owner_id: text(),
  source_id: text(),
  title: text(),
  metadata: text(),
  next_seq: integer().notNull(),
  version: integer().notNull(),
  created_at: integer().notNull(),
  updated_at: integer().notNull(),
});

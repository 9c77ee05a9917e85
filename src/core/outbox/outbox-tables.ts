import type { ColumnType, Kysely } from 'kysely';

/** The tables of the migration set `outbox`. Columns are described where they are written and read. */
export interface OutboxTables {
  outbox_keys: OutboxKeysTable;
  outbox_messages: OutboxMessagesTable;
  outbox_dead_letters: OutboxDeadLettersTable;
  inbox_messages: InboxMessagesTable;
}

/** The last place that a key has handed out, in the order of the commits. */
interface OutboxKeysTable {
  topic: string;
  key: string;
  last_seq: number;
}

interface StoredMessageColumns {
  id: string;
  topic: string;
  /** Null where the message has no order. */
  key: string | null;
  /** The place within its key, from 1; null without one. */
  seq: number | null;
  payload: string;
  headers: string;
  created_at: ColumnType<number, number, never>;
}

/** Messages that are to be delivered. A delivered one is deleted. */
interface OutboxMessagesTable extends StoredMessageColumns {
  /** How often a delivery was begun. */
  attempts: number;
  /** Not before this time; 0 for at once. Only a failure puts it off, so that a publisher's clock has no say. */
  available_at: number;
  /** Grows with each lease, so that a former owner changes nothing any more. */
  fence: number;
  /** The relay that delivers it now; null where none does. */
  lease_owner: string | null;
  /** Grows with each sign of life of the owner. */
  lease_beat: number;
  /** How long the owner may be silent, in ms. */
  lease_duration: number | null;
  last_error: string | null;
  failed_at: number | null;
}

/** Messages whose deliveries were given up. */
interface OutboxDeadLettersTable extends StoredMessageColumns {
  attempts: number;
  last_error: string | null;
  died_at: number;
}

/** Which consumer has handled which message. */
interface InboxMessagesTable {
  consumer: string;
  message_id: string;
  received_at: number;
}

/**
 * The tables by a handle of the application's. Its plugins stay outside: one that renames columns would hide
 * these from us.
 */
export function outboxTablesOf(handle: object): Kysely<OutboxTables> {
  const db = handle as Kysely<OutboxTables>;
  return db.getExecutor().plugins.length === 0 ? db : db.withoutPlugins();
}

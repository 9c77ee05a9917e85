import type { Selectable } from 'kysely';
import { decodeJson } from '../query/json-text.ts';
import type { OutboxTables } from './outbox-tables.ts';

/** What every topic's messages have in common. */
interface MessageFields<Topic extends string, Payload> {
  /** A UUID of version 7: the same at every delivery, so that an Inbox knows the message again. */
  readonly id: string;
  /** What it is about. */
  readonly topic: Topic;
  /** Messages of one topic and key are delivered in the order of their commits; undefined where there is no order. */
  readonly key: string | undefined;
  /** What was published, as JSON gives it back. */
  readonly payload: Payload;
  /** What was said beside the payload, such as the id of a trace. */
  readonly headers: Readonly<Record<string, string>>;
  /** When it was published, in ms since the Unix epoch, by the publisher's clock. */
  readonly createdAt: number;
}

/** A message as it is delivered: one of the topics, with its payload. */
export type OutboxMessage<Topics extends object = Record<string, unknown>> = {
  readonly [Topic in keyof Topics & string]: MessageFields<Topic, Topics[Topic]>;
}[keyof Topics & string];

/** A message that this relay has leased. */
export interface ClaimedMessage {
  readonly message: OutboxMessage;
  /** Which lease it is. */
  readonly fence: number;
  /** Which delivery this is, from 1. */
  readonly attempt: number;
  readonly lastError: string | undefined;
}

/** A row of the messages, as the claims return it. */
export type MessageRow = Selectable<OutboxTables['outbox_messages']>;

/** @throws ValidationError where a row holds no JSON, as no publisher of ours has left it */
export function claimedMessageOf(row: MessageRow): ClaimedMessage {
  return {
    message: Object.freeze({
      id: row.id,
      topic: row.topic,
      key: row.key ?? undefined,
      payload: decodeJson(row.payload),
      headers: decodeJson(row.headers) as Readonly<Record<string, string>>,
      createdAt: row.created_at,
    }),
    fence: row.fence,
    attempt: row.attempts,
    lastError: row.last_error ?? undefined,
  };
}

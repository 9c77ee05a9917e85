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
  /** Why the row cannot be read, so that the message has no payload; undefined where it can. */
  readonly fault: unknown;
}

/** A row of the messages, as the claims return it. */
export type MessageRow = Selectable<OutboxTables['outbox_messages']>;

/** Never throws: the row is leased already, and so are others that came with it. */
export function claimedMessageOf(row: MessageRow): ClaimedMessage {
  const { payload, headers, fault } = readBody(row);
  return {
    message: Object.freeze({
      id: row.id,
      topic: row.topic,
      key: row.key ?? undefined,
      payload,
      headers,
      createdAt: row.created_at,
    }),
    fence: row.fence,
    attempt: row.attempts,
    lastError: row.last_error ?? undefined,
    fault,
  };
}

/** What of a row may lie among the dead letters, which take JSON alone: a text that is none is kept within one. */
export function readableBody({
  payload,
  headers,
}: Pick<MessageRow, 'payload' | 'headers'>): Pick<MessageRow, 'payload' | 'headers'> {
  return {
    payload: isJson(payload) ? payload : JSON.stringify(String(payload)),
    headers: isJson(headers) ? headers : JSON.stringify({ unreadable: String(headers) }),
  };
}

function isJson(text: string): boolean {
  try {
    decodeJson(text);
    return true;
  } catch {
    return false;
  }
}

/** No publisher of ours leaves what is no JSON; a broken disk may, or a hand that mends something. */
function readBody({ payload, headers }: MessageRow) {
  try {
    return {
      payload: decodeJson(payload),
      headers: decodeJson(headers) as OutboxMessage['headers'],
      fault: undefined,
    };
  } catch (fault) {
    return { payload: undefined, headers: {}, fault };
  }
}

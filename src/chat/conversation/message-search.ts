import { sql, type Generated, type Kysely, type RawBuilder } from 'kysely';
import { ValidationError, type RepositoryProvider } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import { UserId } from '../ids.ts';
import { messageFromRow } from './message-mapper.ts';
import type { Message } from './message.ts';
import { searchTokens, tokenColumn } from './search-tokens.ts';

/** A message that was found. */
export interface SearchHit {
  readonly message: Message;
  /** How much of the message is what was asked for: 1,000 times the occurrences, by the length in words + 10. */
  readonly score: number;
}

interface MessageSearchTable {
  readonly id: Generated<number>;
  readonly message_id: string;
  readonly tokens: string;
  readonly token_count: number;
}

const maxDistinctTokens = 32;
const maxLimit = 1_000;
// A few words more than the message has, so that one word alone is not worth more than two of five.
const lengthOffset = 10;

/**
 * The search index of the messages. Both engines find the same messages in the same order, because one
 * tokeniser feeds both, and the score is counted from its tokens instead of being either engine's own rank.
 */
export class MessageSearch {
  readonly #provider: RepositoryProvider<ChatDatabase>;

  /** @param provider of a database that holds the chat's tables */
  constructor(provider: RepositoryProvider<ChatDatabase>) {
    this.#provider = provider;
  }

  /** Indexes new messages, within the transaction that stores them. */
  async add(on: Kysely<ChatDatabase>, messages: readonly Message[]): Promise<void> {
    const columnsPerRow = 3;
    const chunkSize = Math.floor(this.#provider.sql.maxParameters / columnsPerRow);
    const rows = messages.map((message) => ({ message_id: message.id, ...indexed(message) }));
    for (let start = 0; start < rows.length; start += chunkSize) {
      await tableOf(on)
        .insertInto('message_search')
        .values(rows.slice(start, start + chunkSize))
        .execute();
    }
  }

  /** Indexes a message anew, within the transaction that changes its content. */
  async replace(on: Kysely<ChatDatabase>, message: Message): Promise<void> {
    await tableOf(on)
      .updateTable('message_search')
      .set(indexed(message))
      .where('message_id', '=', message.id)
      .execute();
  }

  /**
   * Finds the messages that hold every word of a text.
   *
   * @param text anything; case, diacritics and punctuation do not count. Where it holds no word, nothing is
   *   found; of more than 32 different words the first 32 count
   * @param options `userId` narrows to the threads of a user; `limit` from 0 to 1,000
   * @returns the best first, then the latest
   * @throws ValidationError where the limit is out of range, or `userId` is no UUID
   */
  async find(
    text: string,
    options: {
      readonly userId?: UserId | undefined;
      readonly limit: number;
      readonly on?: Kysely<ChatDatabase> | undefined;
    },
  ): Promise<SearchHit[]> {
    const { userId, limit, on = this.#provider.db } = options;
    if (!Number.isInteger(limit) || limit < 0 || limit > maxLimit) {
      throw new ValidationError([{ path: ['limit'], message: `must be an integer from 0 to ${maxLimit}` }]);
    }
    const tokens = [...new Set(searchTokens(text))].slice(0, maxDistinctTokens);
    if (tokens.length === 0 || limit === 0) return [];
    let query = tableOf(on)
      .selectFrom('message_search')
      .innerJoin('messages', 'messages.id', 'message_search.message_id')
      .where(this.#provider.sql.matchesAll('message_search', tokens))
      .selectAll('messages')
      .select(scoreOf(tokens).as('score'))
      .orderBy('score', 'desc')
      .orderBy('messages.created_at', 'desc')
      .orderBy('messages.id', 'desc')
      .limit(limit);
    if (userId !== undefined) {
      query = query
        .innerJoin('context_threads', 'context_threads.id', 'messages.thread_id')
        .where('context_threads.owner_id', '=', UserId.parse(userId));
    }
    const rows = await query.execute();
    return rows.map(({ score, ...row }) => ({ message: messageFromRow(row), score }));
  }
}

function tableOf(db: Kysely<ChatDatabase>) {
  return db.withTables<{ message_search: MessageSearchTable }>();
}

function indexed(message: Message): { tokens: string; token_count: number } {
  const tokens = searchTokens(message.content);
  return { tokens: tokenColumn(tokens), token_count: tokens.length };
}

/** Whole numbers all through, so that both engines come to the same. */
function scoreOf(tokens: readonly string[]): RawBuilder<number> {
  const occurrences = tokens.map((token) => {
    const stored = tokenColumn([token]);
    return sql`(length(tokens) - length(replace(tokens, ${stored}, ''))) / ${sql.lit(stored.length)}`;
  });
  return sql<number>`1000 * (${sql.join(occurrences, sql` + `)}) / (token_count + ${sql.lit(lengthOffset)})`;
}

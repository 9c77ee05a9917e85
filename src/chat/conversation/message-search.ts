import { sql, type Generated, type Kysely, type RawBuilder } from 'kysely';
import { ValidationError, type RepositoryProvider } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import { UserId } from '../ids.ts';
import type { MessageRepository } from './message-repository.ts';
import type { Message } from './message.ts';
import { searchTokens, tokenColumn } from './search-tokens.ts';

/** A message that was found. */
export interface SearchHit {
  /** The whole message, as it is now. */
  readonly message: Message;
  /** How much of the message is what was asked for: 1,000 times the occurrences, by the length in words + 10. */
  readonly score: number;
}

/** What the search keeps of a message. */
export interface SearchEntry {
  /** The message. */
  readonly message_id: string;
  /** Its tokens in their order, as `tokenColumn` joins them. */
  readonly tokens: string;
  /** How many tokens these are. */
  readonly token_count: number;
}

interface MessageSearchTable extends SearchEntry {
  readonly id: Generated<number>;
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
  readonly #messages: MessageRepository;

  /**
   * @param provider of a database that holds the chat's tables
   * @param messages makes messages of their rows
   */
  constructor(provider: RepositoryProvider<ChatDatabase>, messages: MessageRepository) {
    this.#provider = provider;
    this.#messages = messages;
  }

  /**
   * Stores index entries, in place of those that their messages have already.
   *
   * @param on the transaction that stores the messages' contents as well
   * @param entries in any number, which may be none
   */
  async store(on: Kysely<ChatDatabase>, entries: readonly SearchEntry[]): Promise<void> {
    const columnsPerRow = 3;
    const chunkSize = Math.floor(this.#provider.sql.maxParameters / columnsPerRow);
    for (let start = 0; start < entries.length; start += chunkSize) {
      await tableOf(on)
        .insertInto('message_search')
        .values(entries.slice(start, start + chunkSize))
        .onConflict((conflict) =>
          conflict.column('message_id').doUpdateSet((excluded) => ({
            tokens: excluded.ref('excluded.tokens'),
            token_count: excluded.ref('excluded.token_count'),
          })),
        )
        .execute();
    }
  }

  /**
   * Finds the messages that hold every word of a text.
   *
   * @param text anything; case, diacritics and punctuation do not count. Where it holds no word, nothing is
   *   found; of more than 32 different words the first 32 count
   * @param options `userId` narrows to the threads of a user; `limit` from 0 to 1,000; `on` is the transaction
   *   or handle that is read through
   * @returns the best first, then the latest
   * @throws ValidationError where the limit is out of range, or `userId` is no UUID
   * @throws UnreadableRowError where a found row breaks the rules of messages
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
    return rows.map(({ score, ...row }) => ({ message: this.#messages.toEntity(row), score }));
  }
}

function tableOf(db: Kysely<ChatDatabase>) {
  return db.withTables<{ message_search: MessageSearchTable }>();
}

/**
 * What the search keeps of a message. It takes time that grows with the content (some 10 ms for 100 KB), so
 * it is made before a transaction begins.
 */
export function searchEntryOf(message: Message): SearchEntry {
  const tokens = searchTokens(message.content);
  return { message_id: message.id, tokens: tokenColumn(tokens), token_count: tokens.length };
}

/** Whole numbers all through, so that both engines come to the same. */
function scoreOf(tokens: readonly string[]): RawBuilder<number> {
  const occurrences = tokens.map((token) => {
    const stored = tokenColumn([token]);
    return sql`(length(tokens) - length(replace(tokens, ${stored}, ''))) / ${sql.lit(stored.length)}`;
  });
  return sql<number>`1000 * (${sql.join(occurrences, sql` + `)}) / (token_count + ${sql.lit(lengthOffset)})`;
}

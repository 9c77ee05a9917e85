import type { Kysely } from 'kysely';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { checkName } from './new-message.ts';
import type { OutboxProvider } from './outbox-provider.ts';
import { outboxTablesOf } from './outbox-tables.ts';

/** How many rows one statement of `prune` deletes at most, so that no lock is held for long. */
const pruneBatch = 1_000;

/** What became of a message at the inbox. */
export type InboxResult<Result> =
  /** It is new: the work has run, and this is what it gave. */
  | { readonly ran: true; readonly result: Result }
  /** It was handled before, so that the work did not run. */
  | { readonly ran: false };

/** Where an inbox gets its time from. */
export interface InboxOptions {
  /** The machine's clock by default. */
  readonly clock?: Clock;
}

/** What `prune` deletes. */
export interface PruneOptions {
  /** The age in ms, from 0, from which a message is forgotten. */
  readonly olderThan: number;
}

/**
 * Lets a consumer handle each message once, however often it is delivered: it notes the message in the same
 * transaction as the effects. Effects outside of the database are not covered by that.
 *
 * @example
 * const inbox = new Inbox('invoices');
 * await provider.transaction((tx) => inbox.once(tx, message.id, () => invoices.insert(invoice, { on: tx })));
 */
export class Inbox {
  readonly #consumer: string;
  readonly #clock: Clock;

  /**
   * @param consumer its name, 1 to 255 characters: each consumer handles each message once for itself
   * @param options where time comes from
   * @throws ValidationError where the name breaks a rule
   */
  constructor(consumer: string, { clock = systemClock }: InboxOptions = {}) {
    const issues: Issue[] = [];
    checkName(consumer, 'consumer', issues);
    if (issues.length > 0) throw new ValidationError(issues);
    this.#consumer = consumer;
    this.#clock = clock;
  }

  /**
   * Runs work once for a message, in the caller's transaction. Who comes with the same message meanwhile waits
   * until that transaction ends: where it commits the work does not run again, where it rolls back it does.
   *
   * Let what the work throws end the transaction. Where it is caught and the transaction commits all the same,
   * the message counts as not handled, but what the work did before it threw is kept.
   *
   * @param db the transaction's own handle
   * @param messageId the message's id, 1 to 255 characters: that of an outbox, or of any other sender
   * @param work what is to happen once; its effects belong to the same transaction
   * @returns whether it ran, and what it gave
   * @throws ValidationError where the handle is no transaction, or the id breaks a rule
   * @throws SerializationFailureError (retryable) on Postgres above `read committed`, where another transaction
   *   has just handled the message; and what the work throws
   * @example
   * const { ran } = await inbox.once(tx, message.id, () => invoices.insert(invoice, { on: tx }));
   */
  async once<DB, Result>(
    db: Kysely<DB>,
    messageId: string,
    work: () => Promise<Result>,
  ): Promise<InboxResult<Result>> {
    const issues: Issue[] = [];
    checkName(messageId, 'messageId', issues);
    if (db?.isTransaction !== true) {
      issues.push({ path: ['db'], message: 'must be the handle of a transaction, that of the effects' });
    }
    if (issues.length > 0) throw new ValidationError(issues);
    const tables = outboxTablesOf(db);
    const row = { consumer: this.#consumer, message_id: messageId, received_at: this.#clock.now() };
    const { numInsertedOrUpdatedRows: inserted } = await tables
      .insertInto('inbox_messages')
      .values(row)
      .onConflict((conflict) => conflict.columns(['consumer', 'message_id']).doNothing())
      .executeTakeFirst();
    if (inserted !== 1n) return { ran: false };
    try {
      return { ran: true, result: await work() };
    } catch (error) {
      // Whoever catches it and commits must not lose the message. An aborted transaction refuses this, and commits
      // nothing anyway.
      await tables
        .deleteFrom('inbox_messages')
        .where('consumer', '=', row.consumer)
        .where('message_id', '=', messageId)
        .execute()
        .catch(() => {});
      throw error;
    }
  }

  /**
   * Forgets messages that this consumer handled long ago, in portions. One that is delivered again later would be
   * handled again, so keep them for longer than any message may be on its way or lie among the dead letters.
   *
   * @param provider the database that the inbox is in
   * @param options from which age on, in ms
   * @returns how many were forgotten
   * @throws ValidationError where the age is no number from 0
   * @example
   * await inbox.prune(provider, { olderThan: 30 * 24 * 60 * 60 * 1_000 });
   */
  async prune(provider: OutboxProvider, { olderThan }: PruneOptions): Promise<number> {
    if (!Number.isFinite(olderThan) || olderThan < 0) {
      throw new ValidationError([{ path: ['olderThan'], message: 'must be a number of ms from 0' }]);
    }
    const tables = outboxTablesOf(provider.db);
    const before = Math.floor(this.#clock.now() - olderThan);
    for (let forgotten = 0; ;) {
      const { numDeletedRows } = await tables
        .deleteFrom('inbox_messages')
        .where('consumer', '=', this.#consumer)
        .where('message_id', 'in', (old) =>
          old
            .selectFrom('inbox_messages')
            .select('message_id')
            .where('consumer', '=', this.#consumer)
            .where('received_at', '<', before)
            .orderBy('received_at')
            .limit(pruneBatch),
        )
        .executeTakeFirst();
      forgotten += Number(numDeletedRows);
      if (numDeletedRows < BigInt(pruneBatch)) return forgotten;
    }
  }
}

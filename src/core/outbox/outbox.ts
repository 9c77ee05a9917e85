import { sql, type Kysely } from 'kysely';
import { createUuidSource } from '../domain/uuid.ts';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { afterCommitOf } from '../provider/transaction-hooks.ts';
import { checkMessage, type NewMessage } from './new-message.ts';
import type { OutboxProvider } from './outbox-provider.ts';
import { outboxTablesOf, type OutboxTables } from './outbox-tables.ts';
import { publicationChannel, tellPublication } from './publications.ts';

/** How messages are published. */
export interface OutboxOptions {
  /** Where the time of a message comes from; the machine's by default. */
  readonly clock?: Clock;
}

/**
 * Publishes messages in the transaction of the change that they tell of: either both are committed or neither
 * is. An OutboxRelay delivers them, at least once, and those of one key in the order of their commits.
 *
 * It does not deliver, and it does not wait for a delivery. Its tables are those of `outboxMigrations`.
 *
 * @example
 * const outbox = new Outbox<{ 'order.placed': { orderId: string } }>(provider);
 * await provider.transaction(async (tx) => {
 *   await orders.insert(order, { on: tx });
 *   await outbox.publish(tx, { topic: 'order.placed', key: order.id, payload: { orderId: order.id } });
 * });
 */
export class Outbox<Topics extends object = Record<string, unknown>> {
  readonly #provider: OutboxProvider;
  readonly #clock: Clock;
  readonly #newId: () => string;

  /**
   * @param provider the database that the changes are made in
   * @param options where time comes from
   */
  constructor(provider: OutboxProvider, { clock = systemClock }: OutboxOptions = {}) {
    this.#provider = provider;
    this.#clock = clock;
    this.#newId = createUuidSource(clock);
  }

  /**
   * Publishes a message when the transaction commits. Transactions that publish with one key wait for each other
   * until they commit, from the call on: publish late. Those that publish with several keys should do so in one
   * order everywhere, since they may lock each other out (DeadlockError).
   *
   * @param db the transaction's own handle: `tx` of `provider.transaction`, `db` of a unit of work
   * @param message its topic, key, payload and headers
   * @returns the id of the message
   * @throws ValidationError where the handle is no transaction, or the message breaks a rule
   * @throws SerializationFailureError (retryable) on Postgres above `read committed`, where another transaction
   *   has published with the same key; DeadlockError as said above; and the errors of any statement
   * @example
   * const id = await outbox.publish(tx, { topic: 'order.placed', key: order.id, payload: { orderId: order.id } });
   */
  async publish<DB>(db: Kysely<DB>, message: NewMessage<Topics>): Promise<string> {
    if (db?.isTransaction !== true) {
      throw new ValidationError([
        { path: ['db'], message: 'must be the handle of a transaction, so that the message commits with it' },
      ]);
    }
    const { topic, key, payload, headers } = checkMessage(message);
    const tables = outboxTablesOf(db);
    const id = this.#newId();
    const insert = tables.insertInto('outbox_messages').values({
      id,
      topic,
      key,
      seq: key === null ? null : await takePlace(tables, topic, key),
      payload,
      headers,
      created_at: this.#clock.now(),
      attempts: 0,
      available_at: 0,
      fence: 0,
      lease_beat: 0,
    });
    // In one statement with the insert, and heard by nobody before the commit.
    const notify = this.#provider.sql.notify?.(publicationChannel, topic);
    await (notify === undefined ? insert : insert.returning(notify.as('notified'))).execute();
    // A relay of this process is woken without the way over the server; others are, or they look.
    afterCommitOf(db, () => tellPublication(this.#provider));
    return id;
  }
}

/**
 * Takes the next place of a key. Its row stays locked until the transaction ends, so that places are handed out
 * in the order of the commits, and none is missing: a sequence would give the first place to whoever commits last.
 */
async function takePlace(tables: Kysely<OutboxTables>, topic: string, key: string): Promise<number> {
  const { last_seq: place } = await tables
    .insertInto('outbox_keys')
    .values({ topic, key, last_seq: 1 })
    .onConflict((conflict) =>
      conflict.columns(['topic', 'key']).doUpdateSet({ last_seq: sql`outbox_keys.last_seq + 1` }),
    )
    .returning('last_seq')
    .executeTakeFirstOrThrow();
  return place;
}

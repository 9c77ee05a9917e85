import { sql, type CompiledQuery, type Kysely } from 'kysely';
import { createUuidSource } from '../domain/uuid.ts';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { afterCommitOf } from '../provider/transaction-hooks.ts';
import { checkMessage, type CheckedMessage, type NewMessage } from './new-message.ts';
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
    const checked = checkMessage(message);
    const tables = outboxTablesOf(db);
    const seq = checked.key === null ? null : await takePlace(tables, checked.topic, checked.key);
    const { id, insert } = this.#insertInto(tables, checked, seq);
    await insert.execute();
    // A relay of this process is woken without the way over the server; others are, or they look.
    afterCommitOf(db, () => tellPublication(this.#provider));
    return id;
  }

  /**
   * Makes the statement that publishes a message, for those who hand statements over instead of running them, such
   * as the `journal` of a cache. Whoever runs it commits the message. It is for one run, since the message has its id.
   * On SQLite a relay finds the message when it looks the next time; `publish` wakes one of the same process.
   *
   * @param message its topic, payload and headers; without a key, since its place in an order is known by the database alone
   * @returns one statement; nothing is sent
   * @throws ValidationError where the message breaks a rule, or has a key
   * @example
   * const cache = createCache(provider, {
   *   uncached: ['outbox_messages', 'outbox_keys', 'outbox_dead_letters'],
   *   journal: (slots) => [outbox.compile({ topic: 'cache.moved', payload: { slots } })],
   * });
   */
  compile(message: NewMessage<Topics> & { readonly key?: undefined }): CompiledQuery {
    const checked = checkMessage(message);
    if (checked.key !== null) {
      throw new ValidationError([
        { path: ['key'], message: 'must be left out: one statement cannot take its place' },
      ]);
    }
    return this.#insertInto(outboxTablesOf(this.#provider.db), checked, null).insert.compile();
  }

  #insertInto(tables: Kysely<OutboxTables>, checked: CheckedMessage, seq: number | null) {
    const id = this.#newId();
    const insert = tables.insertInto('outbox_messages').values({
      ...checked,
      id,
      seq,
      created_at: this.#clock.now(),
      attempts: 0,
      available_at: 0,
      fence: 0,
      lease_beat: 0,
    });
    // In one statement with the insert, and heard by nobody before the commit.
    const notify = this.#provider.sql.notify?.(publicationChannel, checked.topic);
    return { id, insert: notify === undefined ? insert : insert.returning(notify.as('notified')) };
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

import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { Clock } from '../foundation/clock.ts';
import type { OutboxTables } from './outbox-tables.ts';

/** How many keys one look takes on. */
const page = 500;
/** Between two rounds over all keys, in ms, and between two pages of a round. */
const roundEvery = 60_000;
const pageEvery = 250;

/**
 * Whether a key has messages, so that its places must go on from where they are. It asks for the first one: behind
 * `exists` Postgres would read the table where most of it is of one key.
 */
const isUsed = sql`(
  (select m.id from outbox_messages m where m.topic = k.topic and m.key = k.key order by m.seq limit 1) is not null
  or (select d.id from outbox_dead_letters d where d.topic = k.topic and d.key = k.key order by d.seq limit 1) is not null)`;

/**
 * What a relay does beside delivering: it forgets keys that have no message any more, and mends what a jump of
 * the wall clock has put off.
 */
export class Upkeep {
  readonly #clock: Clock;
  readonly #vocabulary: SqlVocabulary;
  #due: number;
  #after: { readonly topic: string; readonly key: string } | undefined;

  constructor(clock: Clock, vocabulary: SqlVocabulary) {
    this.#clock = clock;
    this.#vocabulary = vocabulary;
    this.#due = clock.monotonic() + roundEvery;
  }

  /** Does a part of the work where it is time. */
  async tend(db: Kysely<OutboxTables>): Promise<void> {
    if (this.#clock.monotonic() < this.#due) return;
    this.#due = this.#clock.monotonic() + ((await this.tendOnce(db)) ? pageEvery : roundEvery);
  }

  /** Does the next part of the work. @returns whether the round goes on */
  async tendOnce(db: Kysely<OutboxTables>): Promise<boolean> {
    if (this.#after === undefined) await this.mendPutOff(db);
    return this.forgetOnce(db);
  }

  /** Forgets the unused ones among the next keys. @returns whether there are more */
  async forgetOnce(db: Kysely<OutboxTables>): Promise<boolean> {
    const keys = await this.#nextKeys(db);
    for (const { topic, key, last_seq: lastSeq, is_used: used } of keys) {
      if (used === 1) continue;
      // Looked at again: a place that was handed out meanwhile is another version of the row, and keeps it. Whoever
      // is about to hand one out has it locked, and is not waited for.
      await sql`with picked as materialized (
          select 1 from outbox_keys k where k.topic = ${topic} and k.key = ${key}
            and k.last_seq = ${lastSeq} and not ${isUsed} ${this.#vocabulary.lockSkippingLocked('k')}
        ) delete from outbox_keys where topic = ${topic} and key = ${key}
          and exists (select 1 from picked)`.execute(db);
    }
    this.#after = keys.length < page ? undefined : keys.at(-1);
    return this.#after !== undefined;
  }

  async #nextKeys(db: Kysely<OutboxTables>) {
    const { topic, key } = this.#after ?? { topic: '', key: '' };
    const { rows } = await sql<{ topic: string; key: string; last_seq: number; is_used: number }>`
      select k.topic, k.key, k.last_seq,
        case when ${isUsed} then 1 else 0 end as is_used
      from outbox_keys k where (k.topic, k.key) > (${topic}, ${key})
      order by k.topic, k.key limit ${page}`.execute(db);
    return rows;
  }

  /**
   * A failure that is yet to come was noted by a clock that was ahead: it counts as one of now. The pause behind it
   * stays as long as it was meant, which only the relay knew that made it.
   */
  async mendPutOff(db: Kysely<OutboxTables>): Promise<void> {
    const now = this.#clock.now();
    await db
      .updateTable('outbox_messages')
      .set({ available_at: sql`available_at - (failed_at - ${now})`, failed_at: now })
      .where(sql<boolean>`available_at > 0`)
      .where('available_at', '>', now)
      .where('failed_at', '>', now)
      .execute();
  }
}

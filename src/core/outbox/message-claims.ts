import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import { isLiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import { claimedMessageOf, type ClaimedMessage, type MessageRow } from './outbox-message.ts';
import type { OutboxTables } from './outbox-tables.ts';

/** Who leases, and for how long. */
export interface LeaseTerms {
  /** The id of the relay. */
  readonly owner: string;
  /** How long the owner may be silent, in ms. */
  readonly duration: number;
}

/** The first message of a key, which is the only one of it that may be delivered. */
export interface Head {
  readonly id: string;
  readonly key: string;
  /** The relay that delivers a message of the key now, this or another one; null where none does. */
  readonly lease_owner: string | null;
  readonly available_at: number;
  /** How many heads before it were looked at, and it. */
  readonly place: number;
}

/** The statements by which a relay finds and leases messages. Each stands for itself; nothing is held between them. */
export class MessageClaims {
  readonly #vocabulary: SqlVocabulary;
  readonly #terms: LeaseTerms;

  constructor(vocabulary: SqlVocabulary, terms: LeaseTerms) {
    this.#vocabulary = vocabulary;
    this.#terms = terms;
  }

  /** The topics that have messages. It jumps from one to the next along the index, whatever lies between. */
  async findTopics(db: Kysely<OutboxTables>): Promise<string[]> {
    const { rows } = await sql<{ topic: string }>`
      with recursive topics (topic) as (
        select min(topic) from outbox_messages
        union all
        select (select min(m.topic) from outbox_messages m where m.topic > t.topic) from topics t where t.topic is not null
      ) select topic from topics where topic is not null`.execute(db);
    return rows.map(({ topic }) => topic);
  }

  /**
   * The heads of a topic's keys, in the order of the keys. It jumps from key to key, so that a long line behind
   * one head costs nothing.
   *
   * @param after the key behind which it begins; empty for the first
   */
  async findHeads(db: Kysely<OutboxTables>, topic: string, after: string, limit: number): Promise<Head[]> {
    const next = (key: RawBuilder<unknown>) => sql`(select x.id from outbox_messages x
      where x.topic = ${topic} and x.key > ${key} and x.key is not null order by x.key, x.seq limit 1)`;
    const { rows } = await sql<Head>`
      with recursive heads (id, key, available_at, place) as (
        select m.id, m.key, m.available_at, 1 from outbox_messages m where m.id = ${next(sql`${after}`)}
        union all
        select m.id, m.key, m.available_at, h.place + 1 from heads h join outbox_messages m on m.id = ${next(sql`h.key`)}
          where h.place < ${limit}
      ) select h.id, h.key, h.available_at, h.place, ${leaseOwnerOf(sql`${topic}`, sql`h.key`)} as lease_owner from heads h`.execute(
      db,
    );
    return rows.toSorted((a, b) => a.place - b.place);
  }

  /** Leases heads that are free and due, by their ids; others are left out, such as those that are none any more. */
  async claimByIds(db: Kysely<OutboxTables>, ids: readonly string[], now: number): Promise<ClaimedMessage[]> {
    const head = sql`(select x.id from outbox_messages x
      where x.topic = m.topic and x.key = m.key order by x.seq limit 1)`;
    const condition = sql`m.id in (${sql.join(ids)}) and m.id = ${head} and m.available_at <= ${now}`;
    try {
      return await this.#claim(db, condition, sql``);
    } catch (error) {
      if (isClaimedMeanwhile(error)) return [];
      throw error;
    }
  }

  /** Leases the first messages of a topic that have no key, are free and due. */
  claimKeyless(
    db: Kysely<OutboxTables>,
    topic: string,
    limit: number,
    now: number,
  ): Promise<ClaimedMessage[]> {
    return this.#claim(
      db,
      sql`m.topic = ${topic} and m.key is null and m.available_at <= ${now}`,
      sql`order by m.available_at, m.id limit ${limit}`,
    );
  }

  /** Leases the heads of keys, where they are free and due. */
  claimHeadsOf(
    db: Kysely<OutboxTables>,
    lines: readonly { readonly topic: string; readonly key: string }[],
    now: number,
  ): Promise<ClaimedMessage[]> {
    const heads = lines.map(
      ({ topic, key }) =>
        sql`(select x.id from outbox_messages x where x.topic = ${topic} and x.key = ${key} order by x.seq limit 1)`,
    );
    return this.#claim(db, sql`m.id in (${sql.join(heads)}) and m.available_at <= ${now}`, sql``);
  }

  /** Finds what this relay has leased of keys, by the database's account. */
  async findOwn(
    db: Kysely<OutboxTables>,
    lines: readonly { readonly topic: string; readonly key: string }[],
  ): Promise<ClaimedMessage[]> {
    const ofLines = lines.map(({ topic, key }) => sql`(m.topic = ${topic} and m.key = ${key})`);
    const { rows } = await sql<MessageRow>`
      select m.* from outbox_messages m
      where m.lease_owner = ${this.#terms.owner} and (${sql.join(ofLines, sql` or `)})`.execute(db);
    return rows.map(claimedMessageOf);
  }

  async #claim(
    db: Kysely<OutboxTables>,
    condition: RawBuilder<unknown>,
    end: RawBuilder<unknown>,
  ): Promise<ClaimedMessage[]> {
    const { owner, duration } = this.#terms;
    // Materialised, so that the rows are chosen once: chosen again, others would be locked that are not leased.
    const { rows } = await sql<MessageRow>`
      update outbox_messages set lease_owner = ${owner}, lease_duration = ${duration}, lease_beat = 0,
        fence = fence + 1, attempts = attempts + 1
      where id in (
        with picked (id) as materialized (
          select m.id from outbox_messages m where m.lease_owner is null and ${condition}
          and ${leaseOwnerOf(sql`m.topic`, sql`m.key`)} is null ${end}
          ${this.#vocabulary.lockSkippingLocked('m')}
        ) select id from picked
      ) returning *`.execute(db);
    return rows.map(claimedMessageOf);
  }
}

/**
 * Who delivers a message of a key. It need not be the head: a dead letter that was put back comes before the
 * message that is being delivered, and waits for it.
 */
function leaseOwnerOf(topic: RawBuilder<unknown>, key: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(select l.lease_owner from outbox_messages l
    where l.topic = ${topic} and l.key = ${key} and l.key is not null and l.lease_owner is not null)`;
}

/**
 * Whether another relay has leased a message of the key between the look of a claim and its write. The database
 * refuses the second lease, which alone can tell: neither claim sees the other's before it is committed.
 */
export function isClaimedMeanwhile(error: unknown): boolean {
  return isLiminalDataError(error, 'LIMINAL_UNIQUE_VIOLATION');
}

import { sql } from 'kysely';
import { systemClock, type Clock } from '../foundation/clock.ts';
import type { OutboxProvider } from './outbox-provider.ts';
import { outboxTablesOf } from './outbox-tables.ts';

/** How things stand with one topic. */
export interface TopicStatus {
  /** Its name. */
  readonly topic: string;
  /** Messages that are not delivered yet; those that follow are among them. */
  readonly pending: number;
  /** Those that are being delivered now. */
  readonly leased: number;
  /** Those whose last delivery failed, and that wait for the next one. */
  readonly failing: number;
  /** Dead letters. They are not among the pending ones. */
  readonly dead: number;
  /** The age in ms of the oldest one that is not delivered yet, by the publisher's clock; null where there is none. */
  readonly oldestAge: number | null;
}

/** How things stand with an outbox. */
export interface OutboxStatus {
  /** Each topic that has messages or dead letters, in the order of their names. */
  readonly topics: readonly TopicStatus[];
}

/** Where the time of the ages comes from. */
export interface OutboxStatusOptions {
  /** The machine's clock by default. */
  readonly clock?: Clock;
}

/**
 * Counts what is in the outbox, topic by topic. It reads all of it: for people and for metrics once a minute, and
 * not for each request.
 *
 * @param provider the database that the messages are in
 * @param options where time comes from
 * @returns the counts and ages
 * @throws QueryError where the tables are not there; and the errors of any statement
 * @example
 * const { topics } = await readOutboxStatus(provider);
 */
export async function readOutboxStatus(
  provider: OutboxProvider,
  { clock = systemClock }: OutboxStatusOptions = {},
): Promise<OutboxStatus> {
  const { rows } = await sql<Omit<TopicStatus, 'oldestAge'> & { oldest: number | null }>`
    select topic, cast(sum(pending) as integer) as pending, cast(sum(leased) as integer) as leased,
      cast(sum(failing) as integer) as failing, cast(sum(dead) as integer) as dead, min(oldest) as oldest
    from (
      select topic, count(*) as pending, count(lease_owner) as leased,
        sum(case when lease_owner is null and failed_at is not null then 1 else 0 end) as failing,
        0 as dead, min(created_at) as oldest
      from outbox_messages group by topic
      union all
      select topic, 0, 0, 0, count(*), null from outbox_dead_letters group by topic
    ) as counts group by topic order by topic`.execute(outboxTablesOf(provider.db));
  const now = clock.now();
  return {
    topics: rows.map(({ oldest, ...counts }) => ({
      ...counts,
      oldestAge: oldest === null ? null : Math.max(0, now - oldest),
    })),
  };
}

import { sql, type Expression, type ExpressionBuilder, type Kysely, type SqlBool } from 'kysely';
import { readableBody, type ClaimedMessage } from './outbox-message.ts';
import type { OutboxTables } from './outbox-tables.ts';

/** One lease of one message. */
export interface MessageLease {
  readonly id: string;
  readonly fence: number;
}

/** A lease as its owner has left it. */
export interface SeenLease extends MessageLease {
  readonly lease_beat: number;
  readonly lease_duration: number;
}

/** Where a failed delivery puts its message. */
export interface Failure {
  readonly error: string;
  readonly failedAt: number;
}

/** @returns the lease that a claim has given */
export function leaseOf({ message, fence }: ClaimedMessage): MessageLease {
  return { id: message.id, fence };
}

/**
 * The statements on leased messages. Each names the lease beside the message: one that somebody else has by now
 * is not touched.
 */
export const messageLeases = {
  /** Deletes what was delivered. @returns the ids of those whose lease still held */
  async complete(db: Kysely<OutboxTables>, leases: readonly MessageLease[]): Promise<ReadonlySet<string>> {
    const rows = await db.deleteFrom('outbox_messages').where(holdsAny(leases)).returning('id').execute();
    return new Set(rows.map(({ id }) => id));
  },

  /** Asks what is gone. @returns the ids of those that are in the line no more */
  async findGone(db: Kysely<OutboxTables>, leases: readonly MessageLease[]): Promise<ReadonlySet<string>> {
    const ids = leases.map(({ id }) => id);
    const rows = await db.selectFrom('outbox_messages').select('id').where('id', 'in', ids).execute();
    const left = new Set(rows.map(({ id }) => id));
    return new Set(ids.filter((id) => !left.has(id)));
  },

  /** Gives a sign of life. @returns the ids of those whose lease still held */
  async beat(db: Kysely<OutboxTables>, leases: readonly MessageLease[]): Promise<ReadonlySet<string>> {
    const rows = await db
      .updateTable('outbox_messages')
      .set({ lease_beat: sql`lease_beat + 1` })
      .where(holdsAny(leases))
      .returning('id')
      .execute();
    return new Set(rows.map(({ id }) => id));
  },

  /** Gives a message back that could not be delivered. @returns whether the lease still held */
  async putOff(
    db: Kysely<OutboxTables>,
    lease: MessageLease,
    { error, failedAt }: Failure,
    availableAt: number,
  ): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('outbox_messages')
      .set({ lease_owner: null, available_at: availableAt, last_error: error, failed_at: failedAt })
      .where(holdsAny([lease]))
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  },

  /** Gives a message back whose delivery was not begun, or was ended with the relay: it costs no attempt. */
  async release(db: Kysely<OutboxTables>, lease: MessageLease): Promise<void> {
    await db
      .updateTable('outbox_messages')
      .set({ lease_owner: null, attempts: sql`attempts - 1` })
      .where(holdsAny([lease]))
      .execute();
  },

  /** Moves a message to the dead letters; in a transaction. @returns whether the lease still held */
  async bury(
    db: Kysely<OutboxTables>,
    lease: MessageLease,
    { error, failedAt }: Failure,
    attempts: number,
  ): Promise<boolean> {
    const row = await db
      .deleteFrom('outbox_messages')
      .where(holdsAny([lease]))
      .returning(['id', 'topic', 'key', 'seq', 'payload', 'headers', 'created_at'])
      .executeTakeFirst();
    if (row === undefined) return false;
    await db
      .insertInto('outbox_dead_letters')
      .values({ ...row, ...readableBody(row), attempts, last_error: error, died_at: failedAt })
      .execute();
    return true;
  },

  /** Every lease that somebody has. */
  async list(db: Kysely<OutboxTables>): Promise<SeenLease[]> {
    return db
      .selectFrom('outbox_messages')
      .select(['id', 'fence', 'lease_beat', sql<number>`lease_duration`.as('lease_duration')])
      .where('lease_owner', 'is not', null)
      .execute();
  },

  /** Takes a lease from an owner who gave no sign of life since it was seen. @returns whether it was taken */
  async free(db: Kysely<OutboxTables>, lease: SeenLease): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('outbox_messages')
      .set({ lease_owner: null, available_at: 0, fence: sql`fence + 1` })
      .where(holdsAny([lease]))
      .where('lease_owner', 'is not', null)
      .where('lease_beat', '=', lease.lease_beat)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  },
} as const;

function holdsAny(leases: readonly MessageLease[]) {
  return (row: ExpressionBuilder<OutboxTables, 'outbox_messages'>): Expression<SqlBool> =>
    row.or(leases.map(({ id, fence }) => row.and([row('id', '=', id), row('fence', '=', fence)])));
}

import { sql, type Kysely } from 'kysely';
import { defineId } from '../domain/uuid.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { checkName } from './new-message.ts';
import type { Issue } from '../foundation/issue.ts';
import type { OutboxProvider } from './outbox-provider.ts';
import { outboxTablesOf, type OutboxTables } from './outbox-tables.ts';
import { publicationChannel, tellPublication } from './publications.ts';

/** Which dead letters are meant: one, those of a topic, or all. */
export type DeadLetterChoice = { readonly id: string } | { readonly topic: string } | { readonly all: true };

/** What a replay did. */
export interface ReplayReport {
  /** How many dead letters were put back into the line. */
  readonly replayed: number;
  /**
   * How many of them come late: messages that were published behind them with their key were delivered meanwhile, or
   * are being delivered.
   */
  readonly overtaken: number;
}

/** How many dead letters one transaction puts back. */
const portion = 500;
const messageId = defineId('MessageId');

/**
 * Puts dead letters back into the line, with all their attempts before them. Each keeps its id and its place in its
 * key: it is delivered before everything of the key that still waits. What was delivered meanwhile is not
 * delivered again, and what is being delivered is waited for; for both the message comes late, which the report counts.
 *
 * @param provider the database that the messages are in
 * @param choice which ones: `{ id }`, `{ topic }` or `{ all: true }`
 * @returns how many, and how many of them come late
 * @throws ValidationError where the choice is none; and the errors of any statement
 * @example
 * const { replayed, overtaken } = await replayDeadLetters(provider, { topic: 'order.placed' });
 */
export async function replayDeadLetters(
  provider: OutboxProvider,
  choice: DeadLetterChoice,
): Promise<ReplayReport> {
  const condition = conditionOf(choice);
  let report: ReplayReport = { replayed: 0, overtaken: 0 };
  // Behind the last one, since a letter that was put back may be dead again by now.
  for (let after: string | undefined; ;) {
    const moved = await provider.transaction(
      (tx) => replayPortion(provider, outboxTablesOf(tx), condition, after),
      { retry: true },
    );
    after = moved.last;
    report = {
      replayed: report.replayed + moved.replayed,
      overtaken: report.overtaken + moved.overtaken,
    };
    if (moved.replayed > 0) tellPublication(provider);
    if (moved.replayed < portion) return report;
  }
}

type Condition = readonly ['id' | 'topic', string] | undefined;

function conditionOf(choice: DeadLetterChoice): Condition {
  if ('id' in choice) return ['id', messageId.parse(choice.id)];
  const issues: Issue[] = [];
  if ('topic' in choice) checkName(choice.topic, 'topic', issues);
  else if (choice.all !== true) issues.push({ path: [], message: 'say which: an id, a topic, or all' });
  if (issues.length > 0) throw new ValidationError(issues);
  return 'topic' in choice ? ['topic', choice.topic] : undefined;
}

async function replayPortion(
  { sql: vocabulary }: OutboxProvider,
  db: Kysely<OutboxTables>,
  condition: Condition,
  after: string | undefined,
): Promise<ReplayReport & { readonly last: string | undefined }> {
  const rows = await db
    .deleteFrom('outbox_dead_letters')
    .where('id', 'in', (dead) => {
      let ids = dead.selectFrom('outbox_dead_letters').select('id').orderBy('id').limit(portion);
      if (after !== undefined) ids = ids.where('id', '>', after);
      return condition === undefined ? ids : ids.where(condition[0], '=', condition[1]);
    })
    .returning(['id', 'topic', 'key', 'seq', 'payload', 'headers', 'created_at'])
    .execute();
  let overtaken = 0;
  for (const row of rows) if (await isOvertaken(db, row, rows)) overtaken += 1;
  for (const [topic, messages] of Map.groupBy(rows, (row) => row.topic)) {
    const insert = db
      .insertInto('outbox_messages')
      .values(messages.map((row) => ({ ...row, attempts: 0, available_at: 0, fence: 0, lease_beat: 0 })));
    const notify = vocabulary.notify?.(publicationChannel, topic);
    await (notify === undefined ? insert : insert.returning(notify.as('notified'))).execute();
  }
  const last = rows.map(({ id }) => id).reduce((one, other) => (one > other ? one : other), after ?? '');
  return { replayed: rows.length, overtaken, last };
}

interface Place {
  readonly topic: string;
  readonly key: string | null;
  readonly seq: number | null;
}

/**
 * Whether some message behind a place of its key is gone or about to be: neither waits in the line, nor is dead, nor
 * among those that are being put back. Places are handed out without a gap, so whatever is gone was delivered.
 */
async function isOvertaken(
  db: Kysely<OutboxTables>,
  { topic, key, seq }: Place,
  moving: readonly Place[],
): Promise<boolean> {
  if (key === null || seq === null) return false;
  const countBehind = (table: string, condition = sql``) =>
    sql`(select count(*) from ${sql.table(table)} m where m.topic = ${topic} and m.key = ${key} and m.seq > ${seq} ${condition})`;
  const { rows } = await sql<{ missing: number }>`
    select k.last_seq - ${countBehind('outbox_messages', sql`and m.lease_owner is null`)} - ${countBehind('outbox_dead_letters')} as missing
    from outbox_keys k where k.topic = ${topic} and k.key = ${key}`.execute(db);
  const behind = moving.filter(
    (other) => other.topic === topic && other.key === key && (other.seq ?? 0) > seq,
  );
  return (rows[0]?.missing ?? 0) - seq - behind.length > 0;
}

import type { Kysely } from 'kysely';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { HealthTables } from './health-tables.ts';

/** How long the history becomes. */
export interface HealthRetention {
  /** The most rows that each check keeps, the newest; from 1 to 1,000,000; 10,000 by default. */
  readonly rows?: number;
  /** How old a row becomes, in ms, from 1,000 to 10 years; 30 days by default. */
  readonly age?: number;
}

/** How many rows one statement deletes at most, so that no lock is held for long. */
const portion = 500;

/**
 * Deletes what is too old of each check, or too much, in portions. What another process deletes at the moment is left
 * to it.
 *
 * @param retention what stays
 * @param now in ms since the Unix epoch
 * @returns how many rows
 */
export async function pruneHistory(
  db: Kysely<HealthTables>,
  vocabulary: SqlVocabulary,
  { rows, age }: Required<HealthRetention>,
  now: number,
): Promise<number> {
  let deleted = 0;
  for (const check of await listChecks(db)) {
    const end = Math.max(now - age, (await findOldestKept(db, check, rows)) ?? 0);
    for (let count = portion; count === portion; deleted += count) {
      count = await deletePortion(db, vocabulary, check, end);
    }
  }
  return deleted;
}

async function listChecks(db: Kysely<HealthTables>): Promise<readonly string[]> {
  const rows = await db.selectFrom('health_checks').select('check_type').distinct().execute();
  return rows.map(({ check_type: check }) => check);
}

/** The time of the last row that is kept, counted from the newest; those of the same time are kept as well. */
async function findOldestKept(
  db: Kysely<HealthTables>,
  check: string,
  rows: number,
): Promise<number | undefined> {
  const kept = await db
    .selectFrom('health_checks')
    .select('checked_at')
    .where('check_type', '=', check)
    .orderBy('checked_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .offset(rows - 1)
    .executeTakeFirst();
  return kept?.checked_at;
}

async function deletePortion(
  db: Kysely<HealthTables>,
  vocabulary: SqlVocabulary,
  check: string,
  end: number,
): Promise<number> {
  const oldest = db
    .selectFrom('health_checks')
    .select('id')
    .where('check_type', '=', check)
    .where('checked_at', '<', end)
    .orderBy('checked_at')
    .limit(portion)
    .modifyEnd(vocabulary.lockSkippingLocked('health_checks'));
  const { numDeletedRows } = await db
    .deleteFrom('health_checks')
    .where('id', 'in', oldest)
    .executeTakeFirst();
  return Number(numDeletedRows);
}

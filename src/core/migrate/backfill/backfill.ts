import { sql } from 'kysely';
import { decorrelatedJitter } from '../../foundation/backoff.ts';
import type { Clock } from '../../foundation/clock.ts';
import { CommitOutcomeUnknownError } from '../../foundation/errors/connection-errors.ts';
import { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { within } from '../../foundation/within.ts';
import { runBatch, type BatchOutcome } from './backfill-batch.ts';
import {
  planBackfill,
  type BackfillDatabase,
  type BackfillOptions,
  type BackfillPlan,
} from './backfill-options.ts';
import type { BackfillReport } from './backfill-progress.ts';
import { ensureRecord, readRecord } from './backfill-record.ts';

/** How long a batch may hold its locks, in ms; one that took longer makes the next one half as large. */
const longestBatch = 200;
/** How often a batch is tried before its error is told. */
const mostAttempts = 20;

/**
 * Changes the rows of a large table in small batches, while others work with it.
 *
 * It walks along a key. Each batch is a transaction of its own, and its place is kept in the same one, in the table
 * `liminal_backfills`: whatever stops it, even `kill -9`, it goes on where it was, and no row is changed twice.
 * Processes that run the same one at once take turns. Behind its end it does nothing when it is called again.
 *
 * A batch that fails for a reason that passes (a lock, a deadlock, a lost connection) runs again, up to 20 times,
 * at half its size. It does not meet rows that are added behind its place while it runs: let the application or the
 * triggers of `t.expandColumn` fill those. Do not call it inside of a transaction.
 *
 * @param provider a DatabaseProvider, or whatever has its `db`, `migrations` and `transaction`
 * @param options what it changes, and how gently
 * @returns what was done since its first start
 * @throws ValidationError with every fault of the options; where the key has NULLs; where a backfill of this name
 *   did something else
 * @throws the signal's reason where it fired
 * @throws OutsideTransactionError inside of a transaction
 * @throws the error of a batch: what the database says of the statement, or what did not pass
 * @example
 * await backfill(provider, {
 *   name: 'users-full-name',
 *   table: 'users',
 *   key: 'id',
 *   set: { full_name: sql.ref('name') },
 *   where: sql<SqlBool>`full_name is null`,
 * });
 */
export async function backfill(
  provider: BackfillDatabase,
  options: BackfillOptions,
): Promise<BackfillReport> {
  const plan = planBackfill(provider.db, options);
  const { name, clock, signal } = plan;
  signal?.throwIfAborted();
  await ensureRecord(provider, plan);
  let record = await readRecord(provider.db, plan);
  let batches = 0;
  if (record.finished_at === null) {
    await refuseNullKeys(provider, plan);
    const total = await provider.migrations.backfill.estimateRows(provider.db, plan.table);
    const runNext = createBatches(provider, plan);
    const start = clock.monotonic();
    let looked = 0;
    while (record.finished_at === null) {
      const outcome = await runNext();
      record = outcome.record;
      batches += 1;
      looked += outcome.rows;
      const seconds = (clock.monotonic() - start) / 1_000;
      const { done, changed } = record;
      plan.onProgress({ name, done, changed, total, rate: seconds > 0 ? looked / seconds : 0 });
      // Also where it is 0: on SQLite a batch runs on this thread, and everybody else waits for it.
      if (record.finished_at === null) await pause(clock, plan.throttle, signal);
    }
  }
  return { name, done: record.done, changed: record.changed, batches };
}

/** Runs one batch a call: again where its error passes, smaller where it failed or held its locks for long. */
function createBatches(provider: BackfillDatabase, plan: BackfillPlan): () => Promise<BatchOutcome> {
  const { clock, signal, batchSize } = plan;
  let size = batchSize;
  return async () => {
    const nextDelay = decorrelatedJitter({ base: 20, cap: 2_000 });
    for (let attempt = 1; ; attempt += 1) {
      const start = clock.monotonic();
      try {
        const outcome = await provider.transaction(
          (tx) => runBatch(tx, plan, provider.migrations.backfill, size),
          signal === undefined ? {} : { signal },
        );
        size = resize(size, clock.monotonic() - start, batchSize);
        return outcome;
      } catch (error) {
        if (attempt >= mostAttempts || !mayPass(error)) throw error;
        size = Math.max(1, Math.floor(size / 2));
        await pause(clock, nextDelay(), signal);
      }
    }
  };
}

function resize(size: number, duration: number, most: number): number {
  if (duration > longestBatch) return Math.max(1, Math.floor(size / 2));
  return duration < longestBatch / 4 ? Math.min(most, size * 2) : size;
}

/** A commit whose outcome is unknown is no trouble: the place that is read next tells. */
function mayPass(error: unknown): boolean {
  return error instanceof CommitOutcomeUnknownError || (error instanceof LiminalDataError && error.retryable);
}

/** Rows without a key would never be met. */
async function refuseNullKeys({ db }: BackfillDatabase, { table, key }: BackfillPlan): Promise<void> {
  const isNull = sql.join(
    key.map((column) => sql`${sql.id(column)} is null`),
    sql` or `,
  );
  const { rows } = await sql`select 1 as one from ${sql.table(table)} where ${isNull} limit 1`.execute(db);
  if (rows.length > 0) {
    throw new ValidationError([{ path: ['key'], message: `table "${table}" has rows whose key is NULL` }]);
  }
}

async function pause(clock: Clock, delay: number, signal: AbortSignal | undefined): Promise<void> {
  await within(clock, delay, new Promise<never>(() => {}), signal);
}

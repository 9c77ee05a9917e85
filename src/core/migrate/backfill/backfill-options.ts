import { sql, type Expression, type Kysely, type RawBuilder, type SqlBool, type Transaction } from 'kysely';
import { loadCrypto } from '../../foundation/node-crypto.ts';
import type { MigrationTraits } from '../../engine/migration-traits.ts';
import { systemClock, type Clock } from '../../foundation/clock.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import type { BackfillProgress } from './backfill-progress.ts';

/** The part of a provider that a backfill needs; `DatabaseProvider` fits. */
export interface BackfillDatabase {
  /** The root handle. */
  readonly db: Kysely<any>;
  /** How its engine walks along keys. */
  readonly migrations: Pick<MigrationTraits, 'backfill' | 'columns' | 'currentSchema'>;
  /** Runs work in one transaction. */
  transaction<Result>(
    work: (tx: Transaction<any>) => Promise<Result>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Result>;
}

/** What a backfill changes, and how gently. */
export interface BackfillOptions {
  /** Under which its place is kept: 1 to 200 characters, another one for every other backfill. */
  readonly name: string;
  /** The table whose rows are changed. */
  readonly table: string;
  /**
   * The column or columns along which it walks, without NULL and with an index that begins with them: the primary
   * key, as a rule. On SQLite they hold integers or texts.
   */
  readonly key: string | readonly string[];
  /** The columns that it sets, each to an expression over the row's own columns. */
  readonly set: Readonly<Record<string, Expression<unknown>>>;
  /** Which rows it changes; every one by default. */
  readonly where?: Expression<SqlBool>;
  /** The most rows of one transaction, from 1 to 100,000; 1,000 by default. Slow batches become smaller. */
  readonly batchSize?: number;
  /** The pause between two batches in ms, from 0 to 60,000; 0 by default, which still lets others in. */
  readonly throttle?: number;
  /** Ends it between two batches, or rolls back the one that runs; its place is kept. */
  readonly signal?: AbortSignal;
  /** Hears of each batch, behind its commit. Where it throws, the backfill ends; its place is kept. */
  readonly onProgress?: (progress: BackfillProgress) => void;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/** The options as they were checked. */
export interface BackfillPlan {
  readonly name: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly set: RawBuilder<unknown>;
  readonly where: Expression<SqlBool>;
  readonly batchSize: number;
  readonly throttle: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: BackfillProgress) => void;
  readonly clock: Clock;
  /** Tells this backfill from another one of the same name. */
  readonly definition: string;
}

const defaultBatchSize = 1_000;

/**
 * Checks the options.
 *
 * @throws ValidationError with every fault
 */
export function planBackfill(db: Kysely<any>, options: BackfillOptions): BackfillPlan {
  const { name, table, batchSize = defaultBatchSize, throttle = 0, signal, clock = systemClock } = options;
  const { where = sql<SqlBool>`1 = 1`, onProgress = () => {} } = options;
  const key = typeof options.key === 'string' ? [options.key] : options.key;
  const issues: Issue[] = [];
  const require = (isSound: boolean, path: string, message: string) => {
    if (!isSound) issues.push({ path: [path], message });
  };
  require(isText(name) && name.length <= 200, 'name', 'must be a text of 1 to 200 characters');
  require(isText(table), 'table', 'must be the name of a table');
  require(Array.isArray(key) &&
    key.length > 0 &&
    key.every(isText), 'key', 'must be the name of a column, or a list of names');
  const columns = Object.entries(options.set ?? {});
  require(columns.length > 0, 'set', 'must name at least one column');
  require(columns.every(
    ([column]) => !key.includes(column),
  ), 'set', 'must not change the key: a row would be met twice, or never');
  require(isWithin(batchSize, 1, 100_000), 'batchSize', 'must be a whole number from 1 to 100,000');
  require(isWithin(throttle, 0, 60_000), 'throttle', 'must be a whole number of ms from 0 to 60,000');
  require(signal === undefined || signal instanceof AbortSignal, 'signal', 'must be an AbortSignal');
  if (issues.length > 0) throw new ValidationError(issues);
  const set = sql.join(columns.map(([column, value]) => sql`${sql.id(column)} = ${value}`));
  const definition = describe(db, sql`update ${sql.table(table)} set ${set} where ${where}`, key);
  return { name, table, key, set, where, batchSize, throttle, signal, onProgress, clock, definition };
}

function describe(db: Kysely<any>, statement: RawBuilder<unknown>, key: readonly string[]): string {
  const { sql: text, parameters } = statement.compile(db);
  // The same on each engine: what was done goes with the rows to another one.
  const meaning = JSON.stringify(
    [text.replaceAll(/\$\d+/g, '?'), parameters, key],
    (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
  );
  return loadCrypto().createHash('sha256').update(meaning).digest('hex');
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

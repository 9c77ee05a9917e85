import { systemClock, type Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import {
  tally,
  type StatementEvent,
  type StatementFacts,
  type StatementRecorder,
} from '../foundation/statement-event.ts';
import { fingerprint, type Fingerprint } from './fingerprint.ts';
import { rankOf, type QueryFigures, type QueryRank, type QueryTotals } from './query-figures.ts';
import { QueryRecord } from './query-record.ts';

/** How queries are counted. */
export interface QueryMetricsOptions {
  /**
   * How many fingerprints are counted apart, an integer from 1 to 100,000; 500 by default. Statements of all others are
   * counted together as `other`. One takes 25 KB, and 50 where some of its statements waited.
   */
  readonly maxFingerprints?: number;
  /** Where `firstSeen` and `lastSeen` come from; the machine's by default. */
  readonly clock?: Pick<Clock, 'now' | 'monotonic'>;
}

/** What is counted together once there are too many fingerprints. */
const rest: Fingerprint = Object.freeze({ id: 'other', text: 'other', operation: 'other', tables: [] });

/** In characters; what is longer is taken apart each time, so that the memory for texts is bounded. */
const longestKept = 10_000;

/**
 * Makes a recorder of statements: how often each query ran, failed and waited, how long it took, and what it returned.
 * It holds no value of a statement.
 *
 * @param options how many fingerprints are told apart, and the clock
 * @returns the recorder, for `metrics` of a provider, of several providers, or of `observeKysely`
 * @throws ValidationError with every fault of the options
 * @example
 * const metrics = createQueryMetrics();
 * const provider = DatabaseProviderFactory.createProvider<Tables>('sqlite:./app.db', { metrics });
 * console.table(metrics.top(5, 'p95'));
 */
export function createQueryMetrics(options: QueryMetricsOptions = {}): QueryMetrics {
  return new QueryMetrics(options);
}

/** Counts statements by their fingerprint; `createQueryMetrics` makes it. */
export class QueryMetrics implements StatementRecorder {
  readonly #maxFingerprints: number;
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  /** Whether its time is that in which providers time statements. */
  readonly #isReal: boolean;
  readonly #records = new Map<string, QueryRecord>();
  /** By the text of the statement, so that a text is taken apart once. */
  readonly #byText = new Map<string, QueryRecord>();

  /**
   * Use `createQueryMetrics`.
   *
   * @param options as for `createQueryMetrics`
   * @throws ValidationError with every fault of the options
   */
  constructor(options: QueryMetricsOptions = {}) {
    const { maxFingerprints = 500, clock = systemClock } = options;
    if (!Number.isSafeInteger(maxFingerprints) || maxFingerprints < 1 || maxFingerprints > 100_000) {
      throw new ValidationError([
        { path: ['maxFingerprints'], message: 'must be an integer from 1 to 100,000' },
      ]);
    }
    this.#maxFingerprints = maxFingerprints;
    this.#clock = clock;
    this.#isReal = clock === systemClock;
  }

  /**
   * Counts a statement. A provider and `observeKysely` call it; call it for what goes past them.
   *
   * @param event the statement
   */
  record(event: StatementEvent): void {
    this.#count(event, this.#clock.monotonic());
  }

  /** As `record`, for the library's own: it need not ask the clock where the statement was timed by the same one. */
  [tally](facts: StatementFacts): void {
    this.#count(facts, (this.#isReal ? facts.end : undefined) ?? this.#clock.monotonic());
  }

  /**
   * Adds rows of a statement that was counted before they were known. Where it was forgotten meanwhile, so are they.
   *
   * @param sql its text
   * @param rows how many more there are
   */
  addRows(sql: string, rows: number): void {
    const record =
      this.#byText.get(sql) ?? this.#records.get(fingerprint(sql).id) ?? this.#records.get(rest.id);
    record?.addRows(rows);
  }

  /**
   * What was counted, by fingerprint.
   *
   * @returns in the order in which they were first seen; `other` holds what is beyond the bound
   */
  queries(): readonly QueryFigures[] {
    // Kept in the time that does not jump, and told in that of the wall as it is now.
    const offset = this.#clock.now() - this.#clock.monotonic();
    return Array.from(this.#records.values(), (record) => record.figures(offset));
  }

  /**
   * The queries that stand out.
   *
   * @param count how many at most, an integer from 1
   * @param by what they are ranked by: times of execution in ms, `calls`, `errors`, `rows`, or all their waiting
   * @returns the first ones, in falling order; where two are equal, the one that was seen first
   * @throws ValidationError with every fault of the arguments
   */
  top(count: number, by: QueryRank = 'total'): readonly QueryFigures[] {
    const issues: Issue[] = [];
    if (!Number.isSafeInteger(count) || count < 1)
      issues.push({ path: ['count'], message: 'must be an integer from 1' });
    if (!Object.hasOwn(rankOf, by))
      issues.push({ path: ['by'], message: `must be one of ${Object.keys(rankOf).join(', ')}` });
    if (issues.length > 0) throw new ValidationError(issues);
    const rank = rankOf[by];
    return [...this.queries()].sort((one, other) => rank(other) - rank(one)).slice(0, count);
  }

  /**
   * All statements together.
   *
   * @returns the sums of what `queries` has
   */
  totals(): QueryTotals {
    const errors: Record<string, number> = {};
    const totals = { calls: 0, failures: 0, rows: 0, affected: 0, wait: 0, execution: 0 };
    for (const query of this.queries()) {
      totals.calls += query.calls;
      totals.failures += query.failures;
      totals.rows += query.rows;
      totals.affected += query.affected;
      totals.wait += query.wait.sum;
      totals.execution += query.execution.sum;
      for (const [code, count] of Object.entries(query.errors)) errors[code] = (errors[code] ?? 0) + count;
    }
    return { ...totals, errors };
  }

  /** Forgets everything that was counted, the fingerprints included. */
  reset(): void {
    this.#records.clear();
    this.#byText.clear();
  }

  #count(event: StatementEvent, at: number): void {
    (this.#byText.get(event.sql) ?? this.#find(event.sql, at)).add(event, at);
  }

  #find(sql: string, at: number): QueryRecord {
    const record = this.#findRecord(fingerprint(sql), at);
    // As many texts as may have a fingerprint of their own, with room for those that share one.
    if (this.#byText.size >= 4 * this.#maxFingerprints) this.#byText.clear();
    if (sql.length <= longestKept) this.#byText.set(sql, record);
    return record;
  }

  #findRecord(found: Fingerprint, at: number): QueryRecord {
    const known = this.#records.get(found.id);
    if (known !== undefined) return known;
    const others = this.#records.has(rest.id) ? 1 : 0;
    const isOther = this.#records.size - others >= this.#maxFingerprints;
    const counted = isOther ? rest : found;
    const record = this.#records.get(counted.id) ?? new QueryRecord(counted, at);
    this.#records.set(counted.id, record);
    return record;
  }
}

import type { OpenEngine } from '../engine/engine.ts';
import { lexiconOf } from '../engine/lexicon-of.ts';
import { tokensOf } from '../engine/sql-tokens.ts';
import type { Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { escapeControls } from '../foundation/escape-controls.ts';
import type { Issue } from '../foundation/issue.ts';
import type { Logger } from '../foundation/logger.ts';
import { parametersOf, type StatementEvent } from '../foundation/statement-event.ts';
import { trackHoldings } from '../pool/holding.ts';
import type { Fingerprint } from './fingerprint.ts';
import { findPlanDangers, type PlanDanger } from './plan-dangers.ts';
import { statementText } from './statement-fields.ts';

/** Which slow queries are explained. */
export interface ExplainOptions {
  /** The share of the slow queries that may be explained, above 0 and up to 1; 1 by default. */
  readonly sample?: number;
  /** How long the same query is not explained again, in ms, an integer from 1,000; an hour by default. */
  readonly interval?: number;
  /** From how many rows on a table is large, an integer from 1; 10,000 by default. */
  readonly largeTable?: number;
}

/** What plans are read with. */
export interface SlowQueryPlansParts {
  readonly engine: Pick<OpenEngine, 'explain' | 'sql'>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn' | 'info' | 'debug'>;
}

/** How many queries are remembered. */
const mostKnown = 1_000;
const hour = 3_600_000;
const reads = new Set(['select', 'values']);

interface KnownPlan {
  /** When it was asked for, on the monotonic clock. */
  readonly askedAt: number;
  readonly dangers: readonly PlanDanger[];
}

/**
 * Explains slow queries, one at a time and each at most once an interval, on a connection that nobody holds or waits for.
 * Where none is free it does without. The query itself is not run for it.
 */
export class SlowQueryPlans {
  readonly #parts: SlowQueryPlansParts;
  readonly #sample: number;
  readonly #interval: number;
  readonly #largeTable: number;
  /** By fingerprint, the one that was asked for last at the end. */
  readonly #known = new Map<string, KnownPlan>();
  #isBusy = false;

  /** @throws ValidationError with every fault of the options */
  constructor(options: ExplainOptions, parts: SlowQueryPlansParts) {
    checkOptions(options);
    this.#parts = parts;
    this.#sample = options.sample ?? 1;
    this.#interval = options.interval ?? hour;
    this.#largeTable = options.largeTable ?? 10_000;
  }

  /** What is known to be dangerous in the plan of a query; none where it was not explained yet. */
  dangersOf({ id }: Fingerprint): readonly PlanDanger[] {
    return this.#known.get(id)?.dangers ?? [];
  }

  /** Explains a query behind the call, where it is its turn. Never throws. */
  consider(event: StatementEvent, query: Fingerprint): void {
    const { engine, clock } = this.#parts;
    const { explain } = engine;
    if (explain === undefined || this.#isBusy || !reads.has(query.operation)) return;
    const now = clock.monotonic();
    const last = this.#known.get(query.id);
    if (last !== undefined && now - last.askedAt < this.#interval) return;
    if (this.#sample < 1 && Math.random() >= this.#sample) return;
    this.#isBusy = true;
    const { sql } = event;
    const parameterCount = parametersOf(event)?.length ?? 0;
    // Behind this turn, when the query has given its connection back; nor is this a part of the caller's work.
    clock.schedule(0, () => void trackHoldings(() => this.#explain(sql, parameterCount, query)), {
      keepsAlive: false,
    });
  }

  async #explain(sql: string, parameterCount: number, query: Fingerprint): Promise<void> {
    const { engine, clock, logger } = this.#parts;
    const askedAt = clock.monotonic();
    try {
      const facts = await engine.explain?.({ sql, parameterCount, countUpTo: this.#largeTable });
      // Nobody had a connection to spare: the next slow run asks again.
      if (facts === undefined) return;
      const tokens = tokensOf(sql, lexiconOf(engine.sql.lexicalRules));
      const dangers = findPlanDangers(facts, tokens, this.#largeTable).map(oneLine);
      this.#remember(query.id, { askedAt, dangers });
      const plan = facts.steps.map(escapeControls);
      const fields = { fingerprint: query.id, query: statementText(query.text), plan };
      if (dangers.length > 0) logger.warn({ ...fields, dangers }, 'plan of a slow query with a danger');
      else logger.info(fields, 'plan of a slow query');
    } catch (error) {
      // A text that the database does not explain is not asked about again.
      this.#remember(query.id, { askedAt, dangers: [] });
      logger.debug({ fingerprint: query.id, error }, 'a slow query could not be explained');
    } finally {
      this.#isBusy = false;
    }
  }

  #remember(id: string, plan: KnownPlan): void {
    this.#known.delete(id);
    this.#known.set(id, plan);
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest);
  }
}

function oneLine(danger: PlanDanger): PlanDanger {
  const { message, table, index } = danger;
  return {
    ...danger,
    message: escapeControls(message),
    ...(table !== undefined && { table: escapeControls(table) }),
    ...(index !== undefined && { index: escapeControls(index) }),
  };
}

function checkOptions({ sample = 1, interval = hour, largeTable = 1 }: ExplainOptions): void {
  const issues: Issue[] = [];
  const fault = (field: string, message: string) =>
    issues.push({ path: ['explainSlowQueries', field], message });
  if (typeof sample !== 'number' || !(sample > 0 && sample <= 1))
    fault('sample', 'must be above 0 and at most 1');
  if (!Number.isSafeInteger(interval) || interval < 1_000)
    fault('interval', 'must be an integer from 1000, in ms');
  if (!Number.isSafeInteger(largeTable) || largeTable < 1) fault('largeTable', 'must be an integer from 1');
  if (issues.length > 0) throw new ValidationError(issues);
}

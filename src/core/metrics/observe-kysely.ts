import { Log, type KyselyConfig, type LogEvent } from 'kysely';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { silentLogger, type Logger } from '../foundation/logger.ts';
import { quietLogger } from '../foundation/quiet-logger.ts';
import {
  guardStatementListener,
  guardStatementRecorder,
  joinAudiences,
  type StatementAudience,
  type StatementFacts,
  type StatementListener,
} from '../foundation/statement-event.ts';
import { warningLogger } from './console-logger.ts';
import { MetricsPlugin } from './metrics-plugin.ts';
import type { QueryMetrics } from './query-metrics.ts';
import { checkLoggableColumns, ParameterRedaction } from './redacted-parameters.ts';
import { SlowQueryLog } from './slow-query-log.ts';

/** Who hears the statements of a plain Kysely. */
export interface ObserveKyselyOptions {
  /** Counts them. */
  readonly metrics?: QueryMetrics;
  /** Hears them; of those that it hears here it cannot know the rows, but for streams. */
  readonly onStatement?: StatementListener;
  /** Hears of slow ones; the console by default. */
  readonly logger?: Logger;
  /** From how long on one is slow, in ms, a number from 0, which is never; 100 by default. */
  readonly slowQueryThreshold?: number;
  /** Columns whose values may stand in the log, as in `ProviderOptions`; none by default. */
  readonly loggableColumns?: readonly string[];
}

/**
 * Makes the configuration of a plain Kysely, on any dialect, that tells of its statements. A `DatabaseProvider` needs
 * none of it: it has `metrics` and a slow query log of its own.
 *
 * It knows what Kysely tells. The wait for a connection is no part of the times, and a statement that never got one is
 * not counted; of one that its caller aborts Kysely tells when the database is done with it. How many rows a statement
 * changed is not known.
 *
 * @param config what `new Kysely` would be given; its plugins and its log go on as they are
 * @param options who hears the statements
 * @returns the configuration for `new Kysely`
 * @throws ValidationError with every fault of the options
 * @example
 * const metrics = createQueryMetrics();
 * const db = new Kysely<Tables>(observeKysely({ dialect }, { metrics, slowQueryThreshold: 200 }));
 */
export function observeKysely(config: KyselyConfig, options: ObserveKyselyOptions = {}): KyselyConfig {
  const { metrics } = options;
  const audience = joinAudiences(audiencesOf(options));
  if (audience === undefined) return config;
  const plugin = new MetricsPlugin((sql, rows) => metrics?.addRows(sql, rows));
  const own = new Log(config.log ?? []);
  return {
    ...config,
    plugins: [...(config.plugins ?? []), plugin],
    async log(event) {
      audience.tell(factsOf(event, plugin));
      await (event.level === 'error' ? own.error(() => event) : own.query(() => event));
    },
  };
}

function audiencesOf(options: ObserveKyselyOptions): StatementAudience[] {
  const { metrics, onStatement, slowQueryThreshold = 100, loggableColumns = [] } = options;
  checkLoggableColumns(loggableColumns);
  if (typeof slowQueryThreshold !== 'number' || !(slowQueryThreshold >= 0))
    throw new ValidationError([{ path: ['slowQueryThreshold'], message: 'must be a number of ms from 0' }]);
  const audiences: StatementAudience[] = [];
  if (metrics !== undefined) {
    const { hear, threshold } = guardStatementRecorder(metrics, options.logger ?? silentLogger);
    audiences.push({ hear, threshold });
  }
  if (slowQueryThreshold > 0) {
    const redaction = new ParameterRedaction(undefined, loggableColumns);
    const logger = quietLogger(options.logger ?? warningLogger);
    audiences.push(
      new SlowQueryLog(slowQueryThreshold, { logger, redaction, plans: undefined, tellsWaits: false }),
    );
  }
  if (onStatement !== undefined) {
    audiences.push({
      hear: guardStatementListener(onStatement, options.logger ?? silentLogger),
      threshold: 0,
    });
  }
  return audiences;
}

function factsOf(event: LogEvent, plugin: MetricsPlugin): StatementFacts {
  const { query, queryDurationMillis: duration } = event;
  const { sql, parameters } = query;
  const seen = plugin.meet(query.queryId, sql);
  const isStream = event.level === 'query' && event.isStream === true;
  return {
    sql,
    parameters,
    duration,
    wait: 0,
    kind: isStream ? 'stream' : 'single',
    rows: seen > 0 || isStream ? seen : undefined,
    error: event.level === 'error' ? event.error : undefined,
  };
}

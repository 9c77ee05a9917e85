import type { DatabaseConfig } from '../config/database-config.ts';
import type { OpenEngine } from '../engine/engine.ts';
import type { Clock } from '../foundation/clock.ts';
import { silentLogger, type Logger } from '../foundation/logger.ts';
import { quietLogger } from '../foundation/quiet-logger.ts';
import {
  guardStatementListener,
  guardStatementRecorder,
  joinAudiences,
  type JoinedAudience,
  type StatementAudience,
  type StatementListener,
  type StatementRecorder,
} from '../foundation/statement-event.ts';
import type { DatabaseTelemetry } from '../foundation/telemetry.ts';
import { consoleLogger, warningLogger } from '../metrics/console-logger.ts';
import { NPlusOneDetector } from '../metrics/n-plus-one-detector.ts';
import { nPlusOneWatches } from '../metrics/n-plus-one-watch.ts';
import { checkLoggableColumns, ParameterRedaction } from '../metrics/redacted-parameters.ts';
import { SlowQueryLog } from '../metrics/slow-query-log.ts';
import { SlowQueryPlans, type ExplainOptions } from '../metrics/slow-query-plans.ts';
import { createStatementLog } from '../metrics/statement-log.ts';
import type { NPlusOneOptions } from '../metrics/statement-repeats.ts';

/** Who may want to hear of statements, and how they are told of. */
export interface StatementAudienceOptions {
  /** Hears every statement with its time, beside the log of `debug: true`. */
  readonly onStatement?: StatementListener;
  /** Counts and times every statement by its fingerprint: what `createQueryMetrics` of `liminal-data/metrics` made. */
  readonly metrics?: StatementRecorder;
  /**
   * Columns whose values may stand in a log, as `status`, which is every column of that name, or `threads.status`. None
   * by default: of other parameters a log says what kind they are and how large. A sealed value never stands there.
   */
  readonly loggableColumns?: readonly string[];
  /** Explains slow reads: `true`, or which ones. Off by default. */
  readonly explainSlowQueries?: boolean | ExplainOptions;
  /**
   * Warns where the same statement runs again and again in one transaction, or in one request: `true`, or from when on
   * and what not. Off by default.
   */
  readonly warnOfNPlusOne?: boolean | NPlusOneOptions;
  /** Where the library reports; silent by default, and the console for slow queries, N+1 and `debug: true`. */
  readonly logger?: Logger;
}

/** What the audience is made with. */
interface AudienceParts {
  readonly config: Pick<DatabaseConfig, 'debug' | 'slowQueryThreshold'>;
  readonly engine: OpenEngine;
  readonly clock: Clock;
  /** Makes spans and figures of them; undefined where nobody does. */
  readonly telemetry: Pick<DatabaseTelemetry, 'hear'> | undefined;
}

/**
 * Gathers who hears the statements of a provider.
 *
 * @returns undefined where nobody does, so that nothing is timed
 * @throws ValidationError with the faults of an option
 */
export function statementAudienceOf(
  options: StatementAudienceOptions,
  { config, engine, clock, telemetry }: AudienceParts,
): JoinedAudience | undefined {
  const { onStatement, metrics, loggableColumns = [], explainSlowQueries, warnOfNPlusOne } = options;
  checkLoggableColumns(loggableColumns);
  const redaction = new ParameterRedaction(engine.sql.lexicalRules, loggableColumns);
  // What it throws would make a failure of a statement that was a success.
  const logger = quietLogger(options.logger ?? warningLogger);
  const explain = optionsOf(explainSlowQueries);
  const plans = explain && new SlowQueryPlans(explain, { engine, clock, logger });
  const repeats = optionsOf(warnOfNPlusOne);
  const audiences: StatementAudience[] = [];
  const hearAll = (hear: StatementListener) => audiences.push({ hear, threshold: 0 });
  if (config.debug) hearAll(createStatementLog(redaction, quietLogger(options.logger ?? consoleLogger)));
  if (config.slowQueryThreshold > 0) {
    audiences.push(
      new SlowQueryLog(config.slowQueryThreshold, {
        logger,
        redaction,
        plans,
        tellsWaits: options.logger !== undefined,
      }),
    );
  }
  if (repeats !== undefined) audiences.push(new NPlusOneDetector(repeats, logger));
  if (metrics !== undefined) {
    audiences.push(guardStatementRecorder(metrics, options.logger ?? silentLogger));
  }
  if (telemetry !== undefined) hearAll(telemetry.hear);
  if (onStatement !== undefined) {
    hearAll(guardStatementListener(onStatement, options.logger ?? silentLogger));
  }
  // Whoever watches comes and goes; where nobody listens otherwise, nothing is timed for them.
  if (audiences.length > 0) audiences.push(nPlusOneWatches);
  return joinAudiences(audiences);
}

function optionsOf<Options extends object>(given: boolean | Options | undefined): Options | undefined {
  if (given === true) return {} as Options;
  return given === false ? undefined : given;
}

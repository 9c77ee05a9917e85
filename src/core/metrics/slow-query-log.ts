import { escapeControls } from '../foundation/escape-controls.ts';
import type { Logger } from '../foundation/logger.ts';
import { lowestSlowQueryThreshold, ownSlowQueryThreshold } from '../foundation/slow-query-threshold.ts';
import type { StatementAudience, StatementEvent } from '../foundation/statement-event.ts';
import { BatchGathering } from './batch-gathering.ts';
import { findCallSite } from './call-site.ts';
import { errorCodeOf } from './error-code.ts';
import { fingerprint, type Fingerprint } from './fingerprint.ts';
import type { ParameterRedaction } from './redacted-parameters.ts';
import type { SlowQueryPlans } from './slow-query-plans.ts';
import { statementFields, statementText } from './statement-fields.ts';

/** What the log of slow queries is made of. */
export interface SlowQueryLogParts {
  readonly logger: Pick<Logger, 'warn'>;
  readonly redaction: ParameterRedaction;
  /** Undefined where slow queries are not explained. */
  readonly plans: SlowQueryPlans | undefined;
  /** Whether it also tells of statements that took long only because they waited. */
  readonly tellsWaits: boolean;
}

/** What is known of a batch beside its first member. */
interface BatchOfStatements {
  readonly callSite?: string | undefined;
  readonly members?: readonly StatementEvent[];
}

/** How many different statements of a batch are told. */
const mostFingerprints = 10;

/**
 * Warns of statements that took long. Whether the statement or the wait for a connection took long, it says apart: what
 * waits for a free connection is no slow query, and an index does not help it.
 */
export class SlowQueryLog implements StatementAudience {
  readonly #threshold: number;
  readonly #parts: SlowQueryLogParts;
  readonly #batches = new BatchGathering();

  /** @param threshold in ms, above 0; that of the running work is stronger */
  constructor(threshold: number, parts: SlowQueryLogParts) {
    this.#threshold = threshold;
    this.#parts = parts;
  }

  /** From how long on it hears statements: work may be under way for which less is slow. */
  get threshold(): number {
    return Math.min(this.#threshold, lowestSlowQueryThreshold());
  }

  readonly hear = (event: StatementEvent): void => {
    const threshold = ownSlowQueryThreshold() ?? this.#threshold;
    if (threshold === 0 || event.duration < threshold) return;
    if (!this.#parts.tellsWaits && event.duration - event.wait < threshold) return;
    if (event.kind === 'batch') this.#gather(event, threshold);
    else this.#warn(event, threshold);
  };

  /** The members of a batch have their time in common: one line tells of all of them. */
  #gather(event: StatementEvent, threshold: number): void {
    this.#batches.gather(event, () => {
      const callSite = findCallSite();
      return (members) => this.#warn(event, threshold, { callSite, members });
    });
  }

  #warn(
    event: StatementEvent,
    threshold: number,
    { callSite = findCallSite(), members }: BatchOfStatements = {},
  ): void {
    const { logger, redaction, plans } = this.#parts;
    const query = fingerprint(event.sql);
    const isSlow = event.duration - event.wait >= threshold;
    const fields = {
      ...describeQuery(query),
      ...statementFields(event, redaction),
      threshold,
      ...(members !== undefined && { statements: members.length, fingerprints: fingerprintsOf(members) }),
      ...(event.error !== undefined && { error: errorCodeOf(event.error) }),
      ...(callSite !== undefined && { callSite: escapeControls(callSite) }),
    };
    // Which member of a batch was slow nobody knows.
    const known = members === undefined ? plans : undefined;
    const dangers = known?.dangersOf(query) ?? [];
    if (!isSlow) {
      logger.warn(fields, 'query waited long');
      return;
    }
    logger.warn({ ...fields, ...(dangers.length > 0 && { dangers }) }, 'slow query');
    if (event.error === undefined) known?.consider(event, query);
  }
}

/** The statements that a batch is made of, by their fingerprints. */
function fingerprintsOf(members: readonly StatementEvent[]): readonly string[] {
  const ids = new Set<string>();
  for (const { sql } of members) {
    if (ids.size === mostFingerprints) break;
    ids.add(fingerprint(sql).id);
  }
  return [...ids];
}

function describeQuery({ id, text }: Fingerprint): Readonly<Record<string, string>> {
  return { fingerprint: id, query: statementText(text) };
}

import type { SchemaGuard } from '../engine/schema-guard.ts';
import type { Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { Logger } from '../foundation/logger.ts';
import { findBudgetFaults, type Budget } from './budget.ts';
import type { HealthCheck } from './health-check.ts';
import type { ReadyReport } from './readiness.ts';

/** The limits of the checks that are built in. `false` leaves a check out. */
export interface HealthBudgets {
  /** How many hold a connection or wait for one, as a multiple of `pool.max`; degraded above 2, unhealthy above 10. */
  readonly pool?: Budget | false;
  /** The answer of the database in ms, with the wait for a connection; degraded above 250, unhealthy above 1,500. */
  readonly latency?: Budget | false;
  /** How far the replicas are behind, in ms; degraded above 10,000, never unhealthy, since reads have the primary. */
  readonly replicas?: Budget | false;
  /** Free bytes where a SQLite file lies; degraded below 1 GiB, unhealthy below 64 MiB. */
  readonly disk?: Budget | false;
  /** Bytes of the write-ahead log of SQLite; degraded above 256 MiB, never unhealthy. */
  readonly log?: Budget | false;
  /** How far the clocks of server and program are apart, in ms; degraded above 2,000, never unhealthy. */
  readonly clock?: Budget | false;
}

/** Where reports are kept. */
export interface ReportSink {
  /** Takes a report. It must not throw, and nobody waits for what it does with it. */
  record(report: ReadyReport): void;
}

/** What is looked at, and how. */
export interface HealthOptions {
  /** The limits of the checks that are built in. */
  readonly budgets?: HealthBudgets;
  /** What `guardSchema` of `liminal-data/migrate` returned: pending migrations are unhealthy, drift is degraded. */
  readonly schema?: SchemaGuard;
  /** For how long the look at the schema serves, in ms, from 0 to 86,400,000; 60,000 by default. */
  readonly schemaMaxAge?: number;
  /** Checks of the application's own. */
  readonly checks?: readonly HealthCheck[];
  /** The longest that one check may take, in ms, from 1 to 86,400,000; 2,000 by default. */
  readonly timeout?: number;
  /** For how long a report serves those who ask again, in ms, from 0 to 86,400,000; 1,000 by default. */
  readonly maxAge?: number;
  /** Takes every report that was made of a look, such as what `createHealthHistory` returned. */
  readonly history?: ReportSink;
  /** Hears what a check has thrown, once until it is well again. Silent by default. */
  readonly logger?: Logger;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

const mebibyte = 1024 * 1024;

/** What counts where nothing is said. */
export const defaultBudgets = {
  pool: { degraded: 2, unhealthy: 10 },
  latency: { degraded: 250, unhealthy: 1_500 },
  replicas: { degraded: 10_000 },
  disk: { degraded: 1024 * mebibyte, unhealthy: 64 * mebibyte },
  log: { degraded: 256 * mebibyte },
  clock: { degraded: 2_000 },
} as const satisfies Required<HealthBudgets>;

/** The names of the checks that are built in, which no other may have. */
const ownNames: ReadonlySet<string> = new Set([...Object.keys(defaultBudgets), 'schema', 'closing']);

const nameForm = /^[a-z][a-z0-9._-]{0,63}$/;
const longest = 24 * 60 * 60 * 1_000;

/** @throws ValidationError with every fault */
export function checkHealthOptions(options: HealthOptions): void {
  const { budgets = {}, checks = [], schemaMaxAge, timeout, maxAge } = options;
  const issues: Issue[] = [
    ...findTimeFaults({ schemaMaxAge, maxAge }, 0, []),
    ...findTimeFaults({ timeout }, 1, []),
  ];
  for (const [name, budget] of Object.entries(budgets)) {
    const path = ['budgets', name];
    if (!(name in defaultBudgets)) issues.push({ path, message: 'is no check that has a budget' });
    else if (typeof budget === 'object' && budget !== null) {
      issues.push(...findBudgetFaults(budget, path, name === 'disk' ? 'less' : 'more'));
    } else if (budget !== undefined && budget !== false)
      issues.push({ path, message: 'must be a budget, or false' });
  }
  const taken = new Set(ownNames);
  for (const [index, check] of checks.entries()) {
    const path = ['checks', index];
    if (typeof check?.run !== 'function' || typeof check.name !== 'string') {
      issues.push({ path, message: 'must have a name and a function run' });
      continue;
    }
    if (!nameForm.test(check.name)) {
      const message = 'must be at most 64 lower-case letters, digits and ._-, beginning with a letter';
      issues.push({ path: [...path, 'name'], message });
    } else if (taken.has(check.name)) {
      issues.push({ path: [...path, 'name'], message: 'is the name of another check' });
    }
    taken.add(check.name);
    issues.push(...findTimeFaults({ timeout: check.timeout }, 1, path));
  }
  if (issues.length > 0) throw new ValidationError(issues);
}

function findTimeFaults(
  times: Readonly<Record<string, number | undefined>>,
  least: number,
  path: Issue['path'],
): Issue[] {
  return Object.entries(times)
    .filter(([, time]) => time !== undefined && !(Number.isInteger(time) && time >= least && time <= longest))
    .map(([name]) => ({
      path: [...path, name],
      message: `must be an integer from ${least} to ${longest} ms`,
    }));
}

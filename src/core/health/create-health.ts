import { systemClock } from '../foundation/clock.ts';
import { silentLogger } from '../foundation/logger.ts';
import { quietLogger } from '../foundation/quiet-logger.ts';
import type { Budget } from './budget.ts';
import { CheckRun, type PeekedCheck } from './check-run.ts';
import { clockCheck } from './checks/clock-check.ts';
import { latencyCheck } from './checks/latency-check.ts';
import { poolCheck } from './checks/pool-check.ts';
import { replicasCheck } from './checks/replicas-check.ts';
import { schemaCheck } from './checks/schema-check.ts';
import { diskCheck, logCheck } from './checks/storage-checks.ts';
import {
  checkHealthOptions,
  defaultBudgets,
  type HealthBudgets,
  type HealthOptions,
} from './health-options.ts';
import type { HealthProvider } from './health-provider.ts';
import { Readiness, type ReadyReport } from './readiness.ts';

/** That a process is alive. */
export interface LiveReport {
  /** Always: whoever reads it has had an answer. */
  readonly status: 'healthy';
  /** For how long health has been looked after, in ms. */
  readonly uptime: number;
}

/** Tells how a service is. */
export interface Health {
  /**
   * Whether the process is alive, which it is where it answers. It asks nobody: a process does not come right by being
   * started anew because its database is down.
   *
   * @returns the report; it never throws
   */
  live(): LiveReport;
  /**
   * Whether the service can do its work: every check, side by side and each within its limit. Those who ask at the same
   * time share one look, and a report serves for `maxAge`. Once `close()` of the provider has begun it is unhealthy.
   *
   * @returns the report; it never rejects
   */
  ready(): Promise<ReadyReport>;
}

const defaultTimeout = 2_000;
const defaultMaxAge = 1_000;
const defaultSchemaMaxAge = 60_000;

/**
 * Looks after the health of a service: whether it is alive, and whether it can do its work. It looks when somebody asks,
 * and never by itself.
 *
 * A check that gives no answer in time is unhealthy and holds up no other; while it hangs it is not begun again. Inside of
 * a transaction it can be asked as well: what would have to wait for that transaction is not asked.
 *
 * @param provider a DatabaseProvider, or whatever has what health needs of it
 * @param options budgets, the schema guard, checks of the application's own, history
 * @returns health, which holds nothing that would have to be closed
 * @throws ValidationError with every fault of the options
 * @example
 * const health = createHealth(provider, { schema: guardSchema([notes]) });
 * const { status, checks } = await health.ready();
 */
export function createHealth(provider: HealthProvider, options: HealthOptions = {}): Health {
  checkHealthOptions(options);
  const { clock = systemClock, timeout = defaultTimeout, maxAge = defaultMaxAge, history } = options;
  const logger = quietLogger(options.logger ?? silentLogger);
  const start = clock.monotonic();
  const readiness = new Readiness({
    runs: listChecks(provider, options).map((check) => new CheckRun(check, { timeout, clock, logger })),
    state: () => provider.stats().state,
    maxAge,
    clock,
    onReport(report) {
      try {
        history?.record(report);
      } catch (error) {
        logger.warn({ error }, 'a health report could not be kept');
      }
    },
  });
  return {
    live: () => ({ status: 'healthy', uptime: clock.monotonic() - start }),
    ready: () => readiness.check(),
  };
}

/** The pool comes first: it is looked at before the other checks ask it for connections. */
function listChecks(provider: HealthProvider, options: HealthOptions): readonly PeekedCheck[] {
  const { budgets = {}, schema, schemaMaxAge: schemaAge = defaultSchemaMaxAge, checks = [] } = options;
  const { clock = systemClock } = options;
  const { db, sql, file } = provider;
  const serverTime = sql.wallClock?.bind(sql);
  const gauges = provider.gauges?.bind(provider);
  const withBudget = (name: keyof HealthBudgets, make: (budget: Budget) => PeekedCheck | undefined) => {
    const budget = budgets[name] ?? defaultBudgets[name];
    return budget === false ? undefined : make(budget);
  };
  const found = [
    withBudget('pool', (budget) => poolCheck(() => provider.stats(), budget)),
    withBudget('latency', (budget) => latencyCheck(provider, budget)),
    schema && schemaCheck(provider, { guard: schema, maxAge: schemaAge, clock }),
    withBudget('replicas', (budget) =>
      gauges === undefined || file !== undefined ? undefined : replicasCheck(gauges, budget),
    ),
    withBudget('disk', (budget) => (file === undefined ? undefined : diskCheck(file, budget))),
    withBudget('log', (budget) =>
      gauges === undefined || file === undefined ? undefined : logCheck(gauges, budget),
    ),
    withBudget('clock', (budget) => serverTime && clockCheck(db, { budget, clock, serverTime })),
  ];
  return [...found.filter((check) => check !== undefined), ...checks];
}

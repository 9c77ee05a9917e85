import type { Clock } from '../foundation/clock.ts';
import { worstStatus, type HealthStatus } from '../foundation/health-status.ts';
import type { PoolStats } from '../foundation/pool-stats.ts';
import { isAlone, outside } from '../provider/transaction-context.ts';
import type { CheckRun } from './check-run.ts';
import type { CheckResult } from './health-check.ts';

/** Whether a service can do its work, and why. */
export interface ReadyReport {
  /** The worst of the checks. */
  readonly status: HealthStatus;
  /** When it was looked, in ms since the Unix epoch. */
  readonly checkedAt: number;
  /** What each check came to. */
  readonly checks: readonly CheckResult[];
}

/** What readiness is made of. */
export interface ReadinessParts {
  readonly runs: readonly CheckRun[];
  /** Whether the database still takes work. */
  readonly state: () => PoolStats['state'];
  /** For how long a report serves those who ask again, in ms. */
  readonly maxAge: number;
  readonly clock: Clock;
  /** Is told of every report that was made of a look. It must not throw. */
  readonly onReport: (report: ReadyReport) => void;
}

/** Runs the checks side by side, once for all who ask at the same time. */
export class Readiness {
  readonly #parts: ReadinessParts;
  #running: Promise<ReadyReport> | undefined;
  #last: { readonly report: ReadyReport; readonly until: number } | undefined;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async check(): Promise<ReadyReport> {
    const { clock } = this.#parts;
    if (this.#isDraining) return this.#draining();
    if (this.#last !== undefined && clock.monotonic() < this.#last.until) return this.#last.report;
    // Whoever is in a transaction may hold what a run that is under way waits for.
    const report = isAlone() ? await this.#share() : await this.#runAlone();
    return this.#isDraining ? this.#draining() : report;
  }

  #share(): Promise<ReadyReport> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<ReadyReport> {
    const { runs, clock, maxAge, onReport } = this.#parts;
    const report = this.#report(await Promise.all(runs.map((run) => run.run())));
    this.#last = { report, until: clock.monotonic() + maxAge };
    if (!this.#isDraining) onReport(report);
    return report;
  }

  async #runAlone(): Promise<ReadyReport> {
    const results = outside(() => this.#parts.runs.map((run) => run.runAlone()));
    return this.#report(await Promise.all(results));
  }

  #report(checks: readonly CheckResult[]): ReadyReport {
    const status = worstStatus(checks.map((check) => check.status));
    return Object.freeze({ status, checkedAt: this.#parts.clock.now(), checks });
  }

  get #isDraining(): boolean {
    return this.#parts.state() !== 'running';
  }

  #draining(): ReadyReport {
    const message = 'The database is closing and takes no new work.';
    return this.#report([{ name: 'closing', status: 'unhealthy', message, duration: 0 }]);
  }
}

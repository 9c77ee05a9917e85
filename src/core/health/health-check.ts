import type { HealthStatus } from '../foundation/health-status.ts';
import type { Budget } from './budget.ts';

/** Something that is looked at to tell whether a service can do its work. */
export interface HealthCheck {
  /** Lower-case letters, digits and `._-`, at most 64, beginning with a letter. */
  readonly name: string;
  /**
   * Looks. What it throws is unhealthy; returning nothing is healthy. One that gives no answer in time is unhealthy,
   * and is not begun again beside the one that still runs.
   *
   * @param signal fires when nobody waits any longer
   */
  run(signal: AbortSignal): CheckFinding | void | Promise<CheckFinding | void>;
  /** The longest that it may take, in ms, from 1 to 86,400,000; that of all checks by default. */
  readonly timeout?: number;
}

/** What a check has found. */
export interface CheckFinding {
  /** How it is; by default as the budget says of the value, and healthy without one. */
  readonly status?: HealthStatus;
  /** What was found, for everybody who may ask: without hosts, paths, SQL, values and secrets. */
  readonly message?: string;
  /** The same with what only those may see who run the service. */
  readonly detail?: string;
  /** A figure, of which more is worse. */
  readonly value?: number;
  /** From where on the figure is no longer good. */
  readonly budget?: Budget;
}

/** What one check came to. */
export interface CheckResult {
  /** The name of the check. */
  readonly name: string;
  /** How it is. */
  readonly status: HealthStatus;
  /** What was found; no host, no path, no SQL. */
  readonly message: string;
  /** What only those may see who run the service, such as a host; undefined where there is nothing more to say. */
  readonly detail?: string;
  /** How long the check took, or has taken until now, in ms. */
  readonly duration: number;
  /** The figure that was judged. */
  readonly value?: number;
  /** By what it was judged. */
  readonly budget?: Budget;
}

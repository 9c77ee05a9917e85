import type { HealthStatus } from '../foundation/health-status.ts';
import type { Issue } from '../foundation/issue.ts';

/** From where on a figure is no longer good. A limit that is left out is never reached. */
export interface Budget {
  /** Worse than this is degraded. */
  readonly degraded?: number;
  /** Worse than this is unhealthy. */
  readonly unhealthy?: number;
}

/** Judges a figure of which more is worse, such as a latency. What is no number is worse than any limit. */
export function judgeMost(value: number, { degraded, unhealthy }: Budget): HealthStatus {
  const exceeds = (limit: number | undefined) => limit !== undefined && !(value <= limit);
  return exceeds(unhealthy) ? 'unhealthy' : exceeds(degraded) ? 'degraded' : 'healthy';
}

/** Judges a figure of which less is worse, such as free space. */
export function judgeLeast(value: number, { degraded, unhealthy }: Budget): HealthStatus {
  const lacks = (limit: number | undefined) => limit !== undefined && !(value >= limit);
  return lacks(unhealthy) ? 'unhealthy' : lacks(degraded) ? 'degraded' : 'healthy';
}

/**
 * Finds the faults of a budget.
 *
 * @param direction whether `more` of the figure is worse, or `less`
 */
export function findBudgetFaults(budget: Budget, path: Issue['path'], direction: 'more' | 'less'): Issue[] {
  const { degraded, unhealthy } = budget;
  const issues = Object.entries({ degraded, unhealthy })
    .filter(([, limit]) => limit !== undefined && !(typeof limit === 'number' && limit >= 0))
    .map(([name]) => ({ path: [...path, name], message: 'must be a number from 0' }));
  if (issues.length > 0 || degraded === undefined || unhealthy === undefined) return issues;
  const isInOrder = direction === 'more' ? degraded <= unhealthy : degraded >= unhealthy;
  const message = `must be reached before "unhealthy" is: more is ${direction === 'more' ? 'worse' : 'better'} here`;
  return isInOrder ? [] : [{ path: [...path, 'degraded'], message }];
}

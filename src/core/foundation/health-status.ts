/**
 * How something is: `healthy`, `degraded` where it works and somebody should look at it, `unhealthy` where it does not
 * do its work.
 */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

const byWeight: readonly HealthStatus[] = ['healthy', 'degraded', 'unhealthy'];

/** Whether it is one of them. */
export function isHealthStatus(value: unknown): value is HealthStatus {
  return byWeight.some((status) => status === value);
}

/** @returns the worst of them; `healthy` where there is none */
export function worstStatus(statuses: readonly HealthStatus[]): HealthStatus {
  const worst = Math.max(0, ...statuses.map((status) => byWeight.indexOf(status)));
  return byWeight[worst] ?? 'unhealthy';
}

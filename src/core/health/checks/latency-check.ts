import type { HealthProvider } from '../health-provider.ts';
import type { Budget } from '../budget.ts';
import type { HealthCheck } from '../health-check.ts';

/** Asks the database for its version, and looks at how long the answer took, with the wait for a connection. */
export function latencyCheck(provider: Pick<HealthProvider, 'healthCheck'>, budget: Budget): HealthCheck {
  return {
    name: 'latency',
    async run() {
      const { latency, version, error } = await provider.healthCheck();
      if (error !== undefined) throw error;
      if (version === undefined) {
        return { message: 'It was not asked: the transaction around the call holds the only connection.' };
      }
      return { message: `The database answered in ${Math.round(latency)} ms.`, value: latency, budget };
    },
  };
}

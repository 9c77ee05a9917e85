import type { EngineGauges } from '../../engine/engine-gauges.ts';
import { worstStatus } from '../../foundation/health-status.ts';
import { judgeMost, type Budget } from '../budget.ts';
import type { CheckFinding, HealthCheck } from '../health-check.ts';

const none = 'There are no replicas.';

/**
 * Looks at how far the replicas are behind, in ms. One that does not answer is degraded: reads go to the others, or to
 * the primary. Where there are none they are not asked for again.
 */
export function replicasCheck(gauges: () => Promise<EngineGauges>, budget: Budget): HealthCheck {
  let hasNone = false;
  return {
    name: 'replicas',
    async run(): Promise<CheckFinding> {
      if (hasNone) return { message: none };
      const { replicas, sessions } = await gauges();
      // Where not even the sessions are told, the figures could not be read this time.
      hasNone = replicas === undefined && sessions !== undefined;
      if (replicas === undefined) {
        return hasNone ? { message: none } : { message: 'Nobody could tell of replicas this time.' };
      }
      const lost = replicas.filter(({ isAnswering }) => !isAnswering).length;
      const value = Math.max(0, ...replicas.map(({ lag = 0 }) => Math.round(lag)));
      const status = worstStatus([judgeMost(value, budget), lost > 0 ? 'degraded' : 'healthy']);
      const silence = lost > 0 ? ` ${lost} of ${replicas.length} do not answer.` : '';
      return { status, message: `Replicas are at most ${value} ms behind.${silence}`, value, budget };
    },
  };
}

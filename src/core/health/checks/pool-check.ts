import type { PoolStats } from '../../foundation/pool-stats.ts';
import { worstStatus } from '../../foundation/health-status.ts';
import { judgeMost, type Budget } from '../budget.ts';
import type { CheckFinding } from '../health-check.ts';
import type { PeekedCheck } from '../check-run.ts';

/**
 * Looks at how hard the pool is pressed: how many hold a connection or wait for one, against how many there can be at
 * most. Whoever was turned away since the last look makes it degraded at least. It asks nobody.
 */
export function poolCheck(stats: () => PoolStats, budget: Budget): PeekedCheck {
  let timeoutsSeen = stats().timeouts;
  const look = (): CheckFinding => {
    const { busy, waiting, max, timeouts } = stats();
    const turnedAway = timeouts - timeoutsSeen;
    const value = (busy + waiting) / max;
    const status = worstStatus([judgeMost(value, budget), turnedAway > 0 ? 'degraded' : 'healthy']);
    const since = turnedAway > 0 ? `; ${turnedAway} were turned away since the last look` : '';
    const message = `${busy} of ${max} connections are busy, ${waiting} callers wait${since}.`;
    return { status, message, value, budget };
  };
  return {
    name: 'pool',
    run() {
      const finding = look();
      timeoutsSeen = stats().timeouts;
      return finding;
    },
    peek: look,
  };
}

import { setTimeout as wait } from 'node:timers/promises';

/**
 * Waits until a condition holds, looking again every few ms; fails after `limit` ms. For what another
 * process does in its own time, where no event tells.
 */
export async function until(condition: () => boolean | Promise<boolean>, limit = 30_000): Promise<void> {
  const end = performance.now() + limit;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`The condition did not hold within ${limit} ms.`);
    await wait(5);
  }
}

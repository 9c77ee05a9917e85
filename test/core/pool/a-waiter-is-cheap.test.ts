import { expect } from 'chai';
import v8 from 'node:v8';
import vm from 'node:vm';
import { systemClock } from '../../../src/core/foundation/clock.ts';
import { Semaphore } from '../../../src/core/pool/semaphore.ts';
import { soakCount } from '../../support/engines.ts';
import { statsOf } from '../../support/pool-stats.ts';

/** The flag takes effect for contexts that are made after it. */
function collectGarbage(): void {
  v8.setFlagsFromString('--expose-gc');
  (vm.runInNewContext('gc') as () => void)();
}

describe('a waiter is cheap', () => {
  it('in memory, at most 2 KB, and in time, also where very many wait', async function () {
    this.timeout(30_000);
    const count = soakCount(100_000);
    const semaphore: Semaphore = new Semaphore({
      permits: 1,
      acquireTimeout: 60_000,
      maxWaiting: count,
      clock: systemClock,
      poolStats: () => statsOf(semaphore),
    });
    await semaphore.acquire();
    const waiters: Promise<void>[] = [];
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let waiter = 0; waiter < count; waiter += 1) waiters.push(semaphore.acquire());
    collectGarbage();
    expect((process.memoryUsage().heapUsed - before) / count).to.be.below(2_048);
    const used = process.threadCpuUsage();
    for (let waiter = 0; waiter < count; waiter += 1) semaphore.release();
    await Promise.all(waiters);
    const { user, system } = process.threadCpuUsage(used);
    expect((user + system) / count, 'µs of the processor a waiter').to.be.below(100);
    semaphore.release();
    expect(semaphore.stats()).to.include({ held: 0, waiting: 0 });
  });
});

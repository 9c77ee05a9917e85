import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import fc from 'fast-check';
import { systemClock, type Clock } from '../../../src/core/foundation/clock.ts';
import { PoolClosedError, PoolTimeoutError } from '../../../src/core/foundation/errors/connection-errors.ts';
import type { PoolEvent } from '../../../src/core/foundation/pool-event.ts';
import type { PoolStats } from '../../../src/core/foundation/pool-stats.ts';
import { Semaphore } from '../../../src/core/pool/semaphore.ts';
import { isSoak } from '../../support/engines.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { statsOf } from '../../support/pool-stats.ts';
import { rejectionOf } from '../../support/rejection.ts';

interface Settings {
  permits?: number;
  acquireTimeout?: number;
  maxWaiting?: number;
  stats?: Partial<PoolStats>;
}

function makeSemaphore<Time extends Clock>(clock: Time, { stats, ...settings }: Settings = {}) {
  const events: PoolEvent[] = [];
  const semaphore: Semaphore = new Semaphore({
    permits: 1,
    acquireTimeout: 100,
    maxWaiting: 10,
    clock,
    poolStats: () => statsOf(semaphore, stats),
    onPoolEvent: (event) => events.push(event),
    ...settings,
  });
  return { clock, semaphore, events };
}

describe('a waiting line', () => {
  it('refuses a caller at its deadline, with the state of the pool', async () => {
    const { clock, semaphore, events } = makeSemaphore(new FakeClock());
    await semaphore.acquire();
    const refused = rejectionOf(semaphore.acquire());
    clock.advance(99);
    expect(semaphore.stats().waiting).to.equal(1);
    clock.advance(1);
    const error = await refused;
    expect(error).to.be.instanceOf(PoolTimeoutError);
    expect((error as PoolTimeoutError).stats).to.include({ busy: 1 });
    expect((error as Error).message).to.contain('100 ms');
    expect(semaphore.stats()).to.include({ held: 1, waiting: 0, longestWait: 100, timeouts: 1 });
    expect(semaphore.stats().waits).to.include({ count: 1, sum: 100 });
    expect(events).to.deep.equal([{ type: 'timeout', waited: 100 }]);
  });

  it('leaves nothing on the signal of a caller, however the wait ends', async () => {
    const { clock, semaphore } = makeSemaphore(new FakeClock());
    const { signal } = new AbortController();
    await semaphore.acquire(signal);
    const granted = semaphore.acquire(signal);
    expect(getEventListeners(signal, 'abort')).to.have.lengthOf(1);
    semaphore.release();
    await granted;
    const late = rejectionOf(semaphore.acquire(signal));
    clock.advance(100);
    await late;
    const closed = rejectionOf(semaphore.acquire(signal));
    semaphore.close();
    await closed;
    expect(getEventListeners(signal, 'abort')).to.have.lengthOf(0);
  });

  it('refuses a caller at once when it is full', async () => {
    const { semaphore, events } = makeSemaphore(new FakeClock(), { maxWaiting: 0 });
    await semaphore.acquire();
    expect(await rejectionOf(semaphore.acquire())).to.be.instanceOf(PoolTimeoutError);
    expect(events).to.deep.equal([{ type: 'timeout', waited: 0 }]);
  });

  it('says how full the pool is, who holds longest and where it was taken', async () => {
    const stats = { max: 7, size: 5, longestHold: 1234.5, longestHoldStack: '    at checkout (shop.ts:1:1)' };
    const { semaphore } = makeSemaphore(new FakeClock(), { maxWaiting: 0, stats });
    await semaphore.acquire();
    const error = (await rejectionOf(semaphore.acquire())) as PoolTimeoutError;
    expect(error.message)
      .to.contain('5 of at most 7 open, 1 busy, the longest held for 1235 ms, 0 waiting')
      .and.contain('at checkout (shop.ts:1:1)');
    expect(error.stats).to.include(stats);
  });

  it('gives each caller the whole time, however late they came', async () => {
    const { clock, semaphore } = makeSemaphore(new FakeClock());
    await semaphore.acquire();
    const refusedAt: number[] = [];
    const start = clock.monotonic();
    for (let caller = 0; caller < 3; caller += 1) {
      semaphore.acquire().catch(() => refusedAt.push(clock.monotonic() - start));
      clock.advance(30);
    }
    for (let step = 0; step < 200; step += 1) {
      clock.advance(1);
      await Promise.resolve();
      await Promise.resolve();
    }
    expect(refusedAt).to.deep.equal([100, 130, 160]);
    expect(clock.pending).to.equal(0);
  });

  it('lets somebody in at once where a permit is free and nobody waits', async () => {
    const { semaphore } = makeSemaphore(new FakeClock());
    expect(semaphore.tryAcquire()).to.equal(true);
    expect(semaphore.tryAcquire()).to.equal(false);
    const next = semaphore.acquire();
    semaphore.release();
    expect(semaphore.tryAcquire(), 'past the one who got it').to.equal(false);
    await next;
    semaphore.release();
    semaphore.close();
    expect(semaphore.tryAcquire(), 'once it is closed').to.equal(false);
  });

  it('serves those who come back when all who waited have left', async () => {
    const { semaphore } = makeSemaphore(new FakeClock(), { maxWaiting: 100 });
    for (let round = 0; round < 3; round += 1) {
      await semaphore.acquire();
      const served: number[] = [];
      const all = [0, 1, 2, 3].map((caller) => semaphore.acquire().then(() => served.push(caller)));
      for (let holder = 0; holder < 5; holder += 1) semaphore.release();
      await Promise.all(all);
      expect(served).to.deep.equal([0, 1, 2, 3]);
      expect(semaphore.stats()).to.include({ held: 0, waiting: 0 });
    }
  });

  it('keeps the deadlines of 1,000 callers on 10 permits by the real clock, in order, and loses no permit', async () => {
    const { semaphore, events } = makeSemaphore(systemClock, {
      permits: 10,
      acquireTimeout: 300,
      maxWaiting: 1_000,
    });
    const start = performance.now();
    const served: number[] = [];
    let latest = 0;
    let refused = 0;
    async function call(caller: number): Promise<void> {
      try {
        await semaphore.acquire();
      } catch (error) {
        expect(error).to.be.instanceOf(PoolTimeoutError);
        refused += 1;
        latest = Math.max(latest, performance.now() - start);
        return;
      }
      served.push(caller);
      await new Promise((resolve) => setTimeout(resolve, 50));
      semaphore.release();
    }
    await Promise.all(Array.from({ length: 1_000 }, (_, caller) => call(caller)));
    expect(served).to.deep.equal([...served].sort((a, b) => a - b));
    expect(served.length + refused).to.equal(1_000);
    // 10 at a time for as long as one waits, unless the machine has something else to do.
    expect(served.length).to.be.within(10, 80);
    expect(events).to.have.lengthOf(refused);
    expect(semaphore.stats()).to.include({ held: 0, waiting: 0, timeouts: refused });
    console.log(
      `figure: of ${refused} callers the last was refused ${(latest - 300).toFixed(0)} ms past its deadline`,
    );
    expect(latest).to.be.at.least(299);
    if (isSoak) expect(latest).to.be.below(300 + 50);
  });

  it('leaves no timer behind, however a caller leaves it', async () => {
    const { clock, semaphore } = makeSemaphore(new FakeClock());
    const controller = new AbortController();
    await semaphore.acquire();
    const served = semaphore.acquire();
    const aborted = rejectionOf(semaphore.acquire(controller.signal));
    const late = rejectionOf(semaphore.acquire());
    controller.abort(new Error('enough'));
    expect(await aborted).to.have.property('message', 'enough');
    semaphore.release();
    await served;
    clock.advance(100);
    await late;
    expect(clock.pending).to.equal(0);
  });

  it('does not let in a caller whose signal was aborted before', async () => {
    const { semaphore } = makeSemaphore(new FakeClock());
    expect(await rejectionOf(semaphore.acquire(AbortSignal.abort(new Error('before'))))).to.have.property(
      'message',
      'before',
    );
    expect(semaphore.stats().held).to.equal(0);
  });

  it('refuses everybody once it is closed, and is drained when the last permit is back', async () => {
    const { semaphore } = makeSemaphore(new FakeClock());
    await semaphore.acquire();
    const waiting = rejectionOf(semaphore.acquire());
    semaphore.close();
    expect(await waiting).to.be.instanceOf(PoolClosedError);
    expect(await rejectionOf(semaphore.acquire())).to.be.instanceOf(PoolClosedError);
    const drained = Promise.all([semaphore.drain(1_000), semaphore.drain(2_000)]);
    semaphore.release();
    expect(await drained).to.deep.equal([true, true]);
  });

  it('gives up draining at the deadline', async () => {
    const { clock, semaphore } = makeSemaphore(new FakeClock());
    await semaphore.acquire();
    const drained = semaphore.drain(50);
    clock.advance(50);
    expect(await drained).to.equal(false);
    expect(clock.pending).to.equal(0);
  });

  it('never lets more in than it has permits, and serves in order, whatever happens', async () => {
    const step = fc.oneof(
      fc.constant({ kind: 'acquire' as const }),
      fc.constant({ kind: 'release' as const }),
      fc.record({ kind: fc.constant('abort' as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant('wait' as const), duration: fc.integer({ min: 1, max: 60 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 60 }),
        async (permits, steps) => {
          const { clock, semaphore } = makeSemaphore(new FakeClock(), { permits });
          const controllers: AbortController[] = [];
          const granted: number[] = [];
          const settled = new Set<number>();
          let held = 0;
          for (const action of steps) {
            if (action.kind === 'acquire') {
              const index = controllers.push(new AbortController()) - 1;
              semaphore.acquire(controllers[index]!.signal).then(
                () => {
                  held += 1;
                  granted.push(index);
                  settled.add(index);
                },
                () => settled.add(index),
              );
            } else if (action.kind === 'release' && held > 0) {
              held -= 1;
              semaphore.release();
            } else if (action.kind === 'abort' && controllers.length > 0) {
              controllers[action.pick % controllers.length]!.abort(new Error('enough'));
            } else if (action.kind === 'wait') {
              clock.advance(action.duration);
            }
            await Promise.resolve();
            await Promise.resolve();
            const stats = semaphore.stats();
            expect(stats.held).to.equal(held).and.be.at.most(permits);
            expect(stats.waiting).to.equal(controllers.length - settled.size);
            expect(
              stats.waiting === 0 || stats.held === permits,
              'nobody waits beside a free permit',
            ).to.equal(true);
          }
          expect(granted).to.deep.equal([...granted].sort((a, b) => a - b));
        },
      ),
    );
  });
});

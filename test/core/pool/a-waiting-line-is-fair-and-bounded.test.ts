import { expect } from 'chai';
import fc from 'fast-check';
import { PoolClosedError, PoolTimeoutError, Semaphore, type PoolStats } from '../../../src/core/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';

function makeSemaphore(settings: { permits?: number; acquireTimeout?: number; maxWaiting?: number } = {}) {
  const clock = new FakeClock();
  const poolStats = (): PoolStats => ({
    size: 1,
    busy: semaphore.stats().held,
    idle: 0,
    waiting: semaphore.stats().waiting,
    max: 1,
    longestWait: 0,
    created: 1,
    retired: 0,
    timeouts: 0,
  });
  const semaphore: Semaphore = new Semaphore({
    permits: 1,
    acquireTimeout: 100,
    maxWaiting: 10,
    clock,
    poolStats,
    ...settings,
  });
  return { clock, semaphore };
}

describe('a waiting line', () => {
  it('refuses a caller at its deadline, with the state of the pool', async () => {
    const { clock, semaphore } = makeSemaphore();
    await semaphore.acquire();
    const refused = rejectionOf(semaphore.acquire());
    clock.advance(99);
    expect(semaphore.stats().waiting).to.equal(1);
    clock.advance(1);
    const error = await refused;
    expect(error).to.be.instanceOf(PoolTimeoutError);
    expect((error as PoolTimeoutError).stats).to.include({ busy: 1 });
    expect((error as Error).message).to.contain('100 ms');
    expect(semaphore.stats()).to.deep.equal({ held: 1, waiting: 0, longestWait: 100, timeouts: 1 });
  });

  it('refuses a caller at once when it is full', async () => {
    const { semaphore } = makeSemaphore({ maxWaiting: 0 });
    await semaphore.acquire();
    expect(await rejectionOf(semaphore.acquire())).to.be.instanceOf(PoolTimeoutError);
  });

  it('leaves no timer behind, however a caller leaves it', async () => {
    const { clock, semaphore } = makeSemaphore();
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
    const { semaphore } = makeSemaphore();
    expect(await rejectionOf(semaphore.acquire(AbortSignal.abort(new Error('before'))))).to.have.property(
      'message',
      'before',
    );
    expect(semaphore.stats().held).to.equal(0);
  });

  it('refuses everybody once it is closed, and is drained when the last permit is back', async () => {
    const { semaphore } = makeSemaphore();
    await semaphore.acquire();
    const waiting = rejectionOf(semaphore.acquire());
    semaphore.close();
    expect(await waiting).to.be.instanceOf(PoolClosedError);
    expect(await rejectionOf(semaphore.acquire())).to.be.instanceOf(PoolClosedError);
    const drained = semaphore.drain(1_000);
    semaphore.release();
    expect(await drained).to.equal(true);
  });

  it('gives up draining at the deadline', async () => {
    const { clock, semaphore } = makeSemaphore();
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
          const { clock, semaphore } = makeSemaphore({ permits });
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

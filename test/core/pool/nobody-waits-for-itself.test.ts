import { expect } from 'chai';
import { NestedAcquireError } from '../../../src/core/foundation/errors/connection-errors.ts';
import { LeaseLedger } from '../../../src/core/pool/lease-ledger.ts';
import { Semaphore } from '../../../src/core/pool/semaphore.ts';
import { silentLogger } from '../../../src/core/foundation/logger.ts';
import { isHolding, trackHoldings } from '../../../src/core/pool/holding.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { statsOf } from '../../support/pool-stats.ts';
import { rejectionOf } from '../../support/rejection.ts';

function makePool(permits: number) {
  const clock = new FakeClock();
  const ledger = new LeaseLedger({ leakThreshold: 0, clock, logger: silentLogger, onPoolEvent() {} });
  const semaphore: Semaphore = new Semaphore({
    permits,
    acquireTimeout: 100,
    maxWaiting: 10,
    clock,
    poolStats: () => statsOf(semaphore),
  });
  async function hold(work: () => Promise<unknown> = async () => undefined): Promise<void> {
    await semaphore.acquire();
    const holding = ledger.lend(semaphore);
    try {
      await work();
    } finally {
      ledger.takeBack(holding);
      semaphore.release();
    }
  }
  return { semaphore, hold };
}

describe('nobody waits for itself', () => {
  it('work that holds the last permit and asks for another is refused at once', async () => {
    const { hold } = makePool(1);
    const error = await rejectionOf(trackHoldings(() => hold(() => hold())));
    expect(error).to.be.instanceOf(NestedAcquireError);
  });

  it('also where it got its own only after waiting, or deep within', async () => {
    const { semaphore, hold } = makePool(1);
    await semaphore.acquire();
    const nested = trackHoldings(() => hold(() => trackHoldings(() => Promise.resolve().then(() => hold()))));
    semaphore.release();
    expect(await rejectionOf(nested)).to.be.instanceOf(NestedAcquireError);
    expect(semaphore.stats()).to.include({ held: 0, waiting: 0 });
  });

  it('where a permit is free it gets one, and holding it twice is forgotten once', async () => {
    const { semaphore, hold } = makePool(2);
    await trackHoldings(() =>
      hold(async () => {
        await hold();
        expect(isHolding(semaphore)).to.equal(true);
        await hold();
      }),
    );
    expect(semaphore.stats().held).to.equal(0);
  });

  it('work that goes on behind its transaction waits like everybody', async () => {
    const { semaphore, hold } = makePool(1);
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
    let straggler: Promise<void> | undefined;
    await trackHoldings(() =>
      hold(async () => {
        straggler = isOver.then(() => trackHoldings(() => hold()));
      }),
    );
    await semaphore.acquire();
    end();
    await isOver;
    await new Promise(setImmediate);
    expect(semaphore.stats().waiting).to.equal(1);
    semaphore.release();
    await straggler;
  });

  it('two pieces of work do not stand in for each other', async () => {
    const { semaphore, hold } = makePool(1);
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
    const first = trackHoldings(() => hold(() => isOver));
    const second = trackHoldings(() => hold());
    await new Promise(setImmediate);
    expect(semaphore.stats().waiting).to.equal(1);
    end();
    await Promise.all([first, second]);
  });
});

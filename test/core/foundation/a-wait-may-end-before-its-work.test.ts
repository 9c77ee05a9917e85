import { expect } from 'chai';
import { unlessAborted, within } from '../../../src/core/foundation/within.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';

describe('a wait may end before its work, whose failure is then nobody\u2019s', () => {
  const reason = new Error('no longer needed');
  const unheard: unknown[] = [];
  const hear = (error: unknown) => void unheard.push(error);
  let listeners: NodeJS.UnhandledRejectionListener[] = [];

  // Mocha's own would only say that some test failed.
  before(() => {
    listeners = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', hear);
  });
  after(() => {
    process.off('unhandledRejection', hear);
    for (const listener of listeners) process.on('unhandledRejection', listener);
  });

  const ways: Record<string, (work: Promise<unknown>, signal: AbortSignal) => Promise<unknown>> = {
    unlessAborted: (work, signal) => unlessAborted(work, signal),
    'within a limit': (work, signal) => within(new FakeClock(), 100, work, signal),
    'within no time': (work, signal) => within(new FakeClock(), 0, work, signal),
    'within no limit': (work, signal) => within(new FakeClock(), Number.POSITIVE_INFINITY, work, signal),
  };

  for (const [way, wait] of Object.entries(ways)) {
    it(`by a signal that has fired before, or fires meanwhile: ${way}`, async () => {
      for (const isEarly of [true, false]) {
        const controller = new AbortController();
        const work = Promise.withResolvers<never>();
        if (isEarly) controller.abort(reason);
        const outcome = rejectionOf(wait(work.promise, controller.signal));
        if (!isEarly) controller.abort(reason);
        expect(await outcome).to.equal(reason);
        work.reject(new Error('the failure of the work'));
        await new Promise((resolve) => setImmediate(resolve));
        expect(unheard).to.deep.equal([]);
      }
    });
  }
});

import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import {
  DatabaseBusyError,
  SerializationFailureError,
  systemClock,
  type Clock,
} from '../../../src/core/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { openUnits, scored, type Units } from './units.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** The heap in bytes, without what nobody refers to. */
function heap(): number {
  for (let round = 0; round < 3; round += 1) collect();
  return process.memoryUsage().heapUsed;
}

describeOnEachDatabase('units leave nothing behind', (database) => {
  let units: Units;

  before(async () => {
    units = await openUnits(database);
  });
  after(() => units.provider.close());

  it('however many there were: no memory, no listener', async () => {
    const { signal } = new AbortController();
    const mine = new Error('mine');
    const run = async (index: number): Promise<void> => {
      const outcome = units.unitOfWork.run(
        async (unit) => {
          unit.afterCommit(() => undefined);
          await unit.repositories.things.findMany({}, { limit: 1 });
          if (index % 10 === 0) await units.unitOfWork.run(async (nested) => nested.signal);
          if (index % 7 === 0) throw mine;
        },
        { timeout: 60_000, signal },
      );
      await outcome.catch((error: unknown) => expect(error).to.equal(mine));
    };
    const runMany = async (count: number): Promise<number> => {
      for (let index = 0; index < count; index += 1) await run(index);
      return heap();
    };
    const count = database.name === 'sqlite-memory' ? soakCount(100_000) / 2 : soakCount(5_000);
    // The tables of the runtime grow to their size first.
    const before = await runMany(count);
    const after = await runMany(count);
    // A scope takes some kilobytes, a frame of the context a hundred bytes; the rest is noise.
    expect(after - before).to.be.lessThan(512 * 1_024 + 20 * count);
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
    expect(units.provider.stats()).to.include({ busy: 0, waiting: 0 });
  }).timeout(300_000);

  it('where each was begun by what the last one left', async () => {
    const count = soakCount(10_000);
    /** The heap at the end of a chain, as long as something refers to that end. */
    const chain = (length: number): Promise<number> => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const next = (left: number): void => {
        const unit = units.unitOfWork.run(async ({ afterCommit, repositories: { things } }) => {
          await things.findMany({}, { limit: 1 });
          // Nobody waits for it, as where a job begins the next one.
          afterCommit(() => setImmediate(() => (left === 0 ? resolve(heap()) : next(left - 1))));
        });
        unit.catch(reject);
      };
      next(length);
      return promise;
    };
    await chain(count);
    const short = await chain(10);
    const long = await chain(count);
    expect((long - short) / count).to.be.lessThan(100);
  }).timeout(60_000);
});

/** Whoever waits waits for one turn of the event loop. */
const hastyClock: Clock = {
  ...systemClock,
  schedule(_, callback) {
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
};

describeOnDatabase('sqlite-memory', 'a database in trouble', (database) => {
  const retry = { attempts: 100, baseDelay: 0.1, maxDelay: 0.1 };

  it('is not asked over and over: retries have a budget, from which conflicts take nothing', async () => {
    const { provider, unitOfWork } = await openUnits(database, { clock: hastyClock });
    let attempts = 0;
    const run = (fault: Error) => {
      attempts = 0;
      return rejectionOf(
        unitOfWork.run(
          async () => {
            attempts += 1;
            throw fault;
          },
          { retry },
        ),
      );
    };
    const busy = new DatabaseBusyError('busy');
    await until(async () => {
      expect(await run(busy)).to.equal(busy);
      return attempts < 10;
    }, 10_000);
    // Each call has one try of its own beside the stock.
    await run(busy);
    expect(attempts).to.be.within(1, 2);
    const conflict = new SerializationFailureError('conflict');
    expect(await run(conflict)).to.equal(conflict);
    expect(attempts).to.equal(100);
    // What comes through fills the stock again.
    for (let call = 0; call < 1_000; call += 1) await unitOfWork.run(async () => undefined);
    await run(busy);
    expect(attempts).to.equal(100);
    // What was spent on a success is given back.
    for (let call = 0; call < 15; call += 1) {
      attempts = 0;
      await unitOfWork.run(
        async () => {
          attempts += 1;
          if (attempts < 90) throw busy;
        },
        { retry },
      );
    }
    expect(attempts).to.equal(90);
    for (let call = 0; call < 1_000; call += 1) await unitOfWork.run(async () => undefined);
    await provider.close();
  }).timeout(30_000);
});

describeOnDatabase('sqlite-file', 'a unit that was left behind', (database) => {
  it('is ended with the provider', async () => {
    const { provider, unitOfWork } = await openUnits(database);
    const entered = Promise.withResolvers<void>();
    const outcome = rejectionOf(
      unitOfWork.run(async ({ repositories: { things } }) => {
        await things.insert(scored(1));
        entered.resolve();
        await new Promise<void>((resolve) => setImmediate(resolve));
        await provider.close({ deadline: 20 });
        await things.insert(scored(2));
      }),
    );
    await entered.promise;
    expect(await outcome).to.be.instanceOf(Error);
    expect(provider.stats().state).to.equal('closed');
  });
});

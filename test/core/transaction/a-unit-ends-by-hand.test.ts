import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import {
  OutsideTransactionError,
  TransactionAbortedError,
  TransactionClosedError,
  TransactionTimeoutError,
  UniqueViolationError,
  type PoolEvent,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { openUnits, scored, type Units } from './units.ts';

describeOnEachDatabase('a unit ends by hand', (database) => {
  let units: Units;
  const clock = new FakeClock();

  before(async () => {
    units = await openUnits(database, { clock });
  });
  beforeEach(() => units.provider.db.deleteFrom('things').execute());
  afterEach(() => until(() => units.provider.stats().busy === 0));
  after(() => units.provider.close());

  it('by its commit, with its hooks, and once', async () => {
    const seen: string[] = [];
    await using unit = await units.unitOfWork.begin();
    await unit.repositories.things.insert(scored(1));
    unit.afterCommit(() => seen.push('committed'));
    await unit.commit();
    expect(seen).to.deep.equal(['committed']);
    for (const again of [
      () => unit.commit(),
      () => unit.rollback(),
      () => unit.repositories.things.findMany({}),
    ])
      expect(await rejectionOf(again())).to.be.instanceOf(TransactionClosedError);
    expect(unit.signal.aborted).to.equal(false);
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('by its rollback, as often as one likes', async () => {
    const seen: unknown[] = [];
    await using unit = await units.unitOfWork.begin();
    const { signal } = unit;
    unit.afterRollback((error) => seen.push(error));
    await unit.repositories.things.insert(scored(1));
    await Promise.all([unit.rollback(), unit.rollback()]);
    await unit.rollback();
    expect(seen).to.deep.equal([undefined]);
    expect(signal.aborted).to.equal(true);
    expect(await rejectionOf(unit.commit())).to.be.instanceOf(TransactionClosedError);
    expect(await rejectionOf(unit.run(async () => undefined))).to.be.instanceOf(TransactionClosedError);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('by the end of its block, whose error stays what it is', async () => {
    const mine = new Error('mine');
    const block = async (): Promise<void> => {
      await using unit = await units.unitOfWork.begin();
      await unit.repositories.things.insert(scored(1));
      throw mine;
    };
    expect(await rejectionOf(block())).to.equal(mine);
    expect(units.provider.stats().busy).to.equal(0);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('by the end of its block, which waits for a commit that nobody waited for', async () => {
    let committed: Promise<void> | undefined;
    {
      await using unit = await units.unitOfWork.begin();
      await unit.repositories.things.insert(scored(1));
      committed = unit.commit();
    }
    expect(units.provider.stats().busy).to.equal(0);
    await committed;
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('not by a commit behind a failed statement', async () => {
    const id = crypto.randomUUID();
    await using unit = await units.unitOfWork.begin();
    await unit.repositories.things.insert(scored(1, id));
    await rejectionOf(unit.repositories.things.insert(scored(2, id)));
    const error = await rejectionOf(unit.commit());
    expect(error).to.be.instanceOf(TransactionAbortedError);
    expect((error as Error).cause).to.be.instanceOf(UniqueViolationError);
    expect(units.provider.stats().busy).to.equal(0);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('and a rollback behind a commit that failed has nothing to undo, and masks nothing', async () => {
    const id = crypto.randomUUID();
    for (const isAtOnce of [false, true]) {
      await using unit = await units.unitOfWork.begin();
      await unit.repositories.things.insert(scored(1, id));
      await rejectionOf(unit.repositories.things.insert(scored(2, id)));
      const outcome = rejectionOf(unit.commit());
      if (!isAtOnce) await outcome;
      await unit.rollback();
      expect(units.provider.stats().busy).to.equal(0);
      await unit.rollback();
      expect(await outcome).to.be.instanceOf(TransactionAbortedError);
    }
    expect(await units.scores()).to.deep.equal([]);
  });

  it('and a rollback beside a commit that comes about says so', async () => {
    await using unit = await units.unitOfWork.begin();
    await unit.repositories.things.insert(scored(1));
    const committed = unit.commit();
    expect(await rejectionOf(unit.rollback())).to.be.instanceOf(TransactionClosedError);
    await committed;
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('by its time limit and by its signal, and leaves no timer and no listener behind', async () => {
    const timers = clock.pending;
    const controller = new AbortController();
    const seen: unknown[] = [];
    for (const [options, fire] of [
      [{ timeout: 100 }, () => clock.advance(100)],
      [
        { signal: controller.signal, timeout: 100 },
        () => controller.abort(new TransactionTimeoutError('mine')),
      ],
    ] as const) {
      await using unit = await units.unitOfWork.begin(options);
      unit.afterRollback((error) => seen.push(error));
      await unit.repositories.things.insert(scored(1));
      fire();
      expect(unit.signal.aborted).to.equal(true);
      expect(await rejectionOf(unit.repositories.things.insert(scored(2)))).to.be.instanceOf(
        TransactionClosedError,
      );
      const refusal = await rejectionOf(unit.commit());
      expect(refusal).to.be.instanceOf(TransactionClosedError);
      expect((refusal as Error).cause).to.be.instanceOf(TransactionTimeoutError);
      await unit.rollback();
    }
    expect(seen).to.have.length(2);
    expect(clock.pending).to.equal(timers);
    expect(getEventListeners(controller.signal, 'abort')).to.have.length(0);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('and stops watching both, however it ends', async () => {
    const timers = clock.pending;
    const { signal } = new AbortController();
    for (const end of ['commit', 'rollback', 'dispose'] as const) {
      await using unit = await units.unitOfWork.begin({ timeout: 1_000, signal });
      if (end !== 'dispose') await unit[end]();
    }
    expect(clock.pending).to.equal(timers);
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });

  it('units inside of it are savepoints, and see what it holds', async () => {
    await using unit = await units.unitOfWork.begin();
    await unit.repositories.things.insert(scored(1));
    await unit.run(async ({ repositories: { things } }) => {
      expect(await things.count({})).to.equal(1);
      await things.insert(scored(2));
      expect(await rejectionOf(unit.repositories.things.findMany({}))).to.be.instanceOf(
        OutsideTransactionError,
      );
      expect(await rejectionOf(unit.run(async () => undefined))).to.be.instanceOf(OutsideTransactionError);
      await units.unitOfWork.run((innermost) => innermost.repositories.things.insert(scored(3)));
    });
    await rejectionOf(
      unit.run(async ({ repositories: { things } }) => {
        await things.insert(scored(4));
        throw new Error('mine');
      }),
    );
    await unit.commit();
    expect(await units.scores()).to.deep.equal([1, 2, 3]);
  });

  it('is refused inside of a running one', async () => {
    await units.unitOfWork.run(async () => {
      expect(await rejectionOf(units.unitOfWork.begin())).to.be.instanceOf(OutsideTransactionError);
    });
  });

  for (const options of [{}, { timeout: 1_000_000 }]) {
    it(`and one that was left open is named by the pool, with ${JSON.stringify(options)}`, async () => {
      const events: PoolEvent[] = [];
      const watched = {
        ...database,
        freshUrl: async () => `${await database.freshUrl()}?pool.leakThreshold=1000`,
      };
      const { provider, unitOfWork } = await openUnits(watched, {
        clock,
        onPoolEvent: (event) => void events.push(event),
      });
      await using unit = await unitOfWork.begin(options);
      await unit.repositories.things.insert(scored(1));
      clock.advance(1_001);
      const leak = events.find((event) => event.type === 'leak');
      expect(leak?.stack).to.contain('a-unit-ends-by-hand.test');
      await unit.commit();
      await provider.close();
    });
  }
});

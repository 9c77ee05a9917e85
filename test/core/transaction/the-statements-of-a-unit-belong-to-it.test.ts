import { expect } from 'chai';
import {
  OutsideTransactionError,
  TransactionClosedError,
  UniqueViolationError,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { createThingRepository } from '../repository/things.ts';
import { openUnits, scored, type Units } from './units.ts';

describeOnEachDatabase('the statements of a unit belong to it', (database) => {
  let units: Units;
  const id = crypto.randomUUID();

  before(async () => {
    units = await openUnits(database);
  });
  beforeEach(() => units.provider.db.deleteFrom('things').execute());
  afterEach(() => expect(units.provider.stats().busy).to.equal(0));
  after(() => units.provider.close());

  it('those of branches beside each other, and none of them stays where one fails', async () => {
    await units.unitOfWork.run(async ({ repositories: { things } }) => {
      await Promise.all([1, 2, 3, 4, 5].map((score) => things.insert(scored(score))));
    });
    expect(await units.scores()).to.deep.equal([1, 2, 3, 4, 5]);
    const late: unknown[] = [];
    const outcome = units.unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(scored(6, id));
      const branch = async (): Promise<void> => {
        for (let score = 7; score < 30; score += 1) await things.insert(scored(score));
      };
      await Promise.all([
        branch().catch((error: unknown) => late.push(error)),
        things.insert(scored(100, id)),
      ]);
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(UniqueViolationError);
    await until(() => late.length === 1);
    expect(await units.scores()).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('one that nobody waits for is done before the commit, and what waits behind it is refused', async () => {
    let waiting: Promise<unknown> | undefined;
    await units.unitOfWork.run(async ({ repositories: { things } }) => {
      void things.insert(scored(1));
      waiting = rejectionOf(things.insert(scored(2)));
    });
    expect(await waiting).to.be.instanceOf(TransactionClosedError);
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('one that a timer asks after the end is refused', async () => {
    let late: Promise<unknown> | undefined;
    await units.unitOfWork.run(async ({ repositories: { things }, db }) => {
      setTimeout(() => {
        late = Promise.all([
          rejectionOf(things.insert(scored(1))),
          rejectionOf(db.insertInto('things').values(scored(2)).execute()),
          rejectionOf(db.selectFrom('things').selectAll().stream(1)[Symbol.asyncIterator]().next()),
        ]);
      }, 0);
    });
    await until(() => late !== undefined);
    for (const error of (await late) as unknown[]) expect(error).to.be.instanceOf(TransactionClosedError);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('nested units beside each other go one after the other, each undone alone', async () => {
    await units.unitOfWork.run(async ({ repositories: { things } }) => {
      const nested = (score: number) =>
        units.unitOfWork.run(async (inner) => {
          await inner.repositories.things.insert(scored(score));
          await units.unitOfWork.run((innermost) =>
            innermost.repositories.things.insert(scored(score + 100)),
          );
          if (score % 2 === 0) throw new Error('even');
        });
      const outcomes = await Promise.allSettled([
        nested(1),
        things.insert(scored(10)),
        nested(2),
        nested(3),
        things.insert(scored(11)),
        nested(4),
      ]);
      expect(outcomes.map(({ status }) => status === 'fulfilled')).to.deep.equal([
        true,
        true,
        false,
        true,
        true,
        false,
      ]);
    });
    expect(await units.scores()).to.deep.equal([1, 3, 10, 11, 101, 103]);
  });

  it('a nested unit that nobody waits for is undone when the unit around it commits', async () => {
    let nested: Promise<unknown> | undefined;
    await units.unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(scored(1));
      const entered = Promise.withResolvers<void>();
      nested = rejectionOf(
        units.unitOfWork.run(async (inner) => {
          await inner.repositories.things.insert(scored(2));
          entered.resolve();
          await new Promise<never>(() => {});
        }),
      );
      await entered.promise;
    });
    expect(await nested).to.be.instanceOf(TransactionClosedError);
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('and one that has not begun by then never runs its work', async () => {
    let nested: Promise<unknown> | undefined;
    let isRun = false;
    await units.unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(scored(1));
      nested = rejectionOf(units.unitOfWork.run(async () => (isRun = true)));
    });
    expect(await nested).to.be.instanceOf(TransactionClosedError);
    expect(isRun).to.equal(false);
  });

  it('the handle around a nested unit is refused inside of it, and not behind it', async () => {
    await units.unitOfWork.run(async ({ repositories: { things }, db }) => {
      await things.insert(scored(1));
      let leftBehind: Promise<unknown> | undefined;
      const isOver = Promise.withResolvers<void>();
      await units.unitOfWork.run(async () => {
        for (const use of [
          () => things.findMany({}),
          () => db.selectFrom('things').selectAll().execute(),
          () => db.selectFrom('things').selectAll().stream(1)[Symbol.asyncIterator]().next(),
        ])
          expect(await rejectionOf(use())).to.be.instanceOf(OutsideTransactionError);
        leftBehind = isOver.promise.then(() => things.findMany({}));
      });
      isOver.resolve();
      expect(await leftBehind).to.have.length(1);
    });
  });

  it('a stream goes on behind nested units in its loop', async () => {
    await createThingRepository(units.provider).insertMany([1, 2, 3, 4, 5].map((score) => scored(score)));
    await units.unitOfWork.run(async ({ db, repositories: { things } }) => {
      const seen: number[] = [];
      for await (const { score } of db.selectFrom('things').select('score').orderBy('score').stream(2)) {
        seen.push(score);
        const nested = units.unitOfWork.run(async (inner) => {
          await inner.repositories.things.insert(scored(score + 10));
          if (score === 3) throw new Error('mine');
        });
        if (score === 3) await rejectionOf(nested);
        else await nested;
      }
      expect(seen).to.deep.equal([1, 2, 3, 4, 5]);
      expect(await things.count({})).to.equal(9);
    });
    expect(await units.scores()).to.deep.equal([1, 2, 3, 4, 5, 11, 12, 14, 15]);
  });

  it('a stream inside of a nested unit ends with it', async () => {
    await createThingRepository(units.provider).insertMany([1, 2, 3].map((score) => scored(score)));
    await units.unitOfWork.run(async ({ repositories: { things } }) => {
      const open = await units.unitOfWork.run(async (inner) => {
        const rows = inner.db.selectFrom('things').select('score').stream(1)[Symbol.asyncIterator]();
        await rows.next();
        return rows;
      });
      expect(await rejectionOf(open.next())).to.be.instanceOf(TransactionClosedError);
      expect(await things.count({})).to.equal(3);
    });
  });

  it('what a branch begins behind the rollback of its unit is refused as well', async () => {
    const isUndone = Promise.withResolvers<void>();
    const late: Promise<unknown>[] = [];
    const outcome = units.unitOfWork.run(async () => {
      const goOn = (use: () => Promise<unknown>) =>
        late.push(isUndone.promise.then(() => rejectionOf(use())));
      goOn(() => units.unitOfWork.run(({ repositories }) => repositories.things.insert(scored(1))));
      goOn(() => units.unitOfWork.run(async () => undefined, { propagation: 'join' }));
      goOn(() => units.unitOfWork.run(async () => undefined, { propagation: 'new' }));
      goOn(() => units.unitOfWork.begin());
      goOn(() => createThingRepository(units.provider).insert(scored(2)));
      goOn(() => units.provider.transaction((tx) => tx.insertInto('things').values(scored(3)).execute()));
      throw new Error('mine');
    });
    await rejectionOf(outcome);
    isUndone.resolve();
    for (const error of await Promise.all(late)) expect(error).to.be.instanceOf(TransactionClosedError);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('behind a commit its code is outside', async () => {
    const isDone = Promise.withResolvers<void>();
    let late: Promise<unknown> | undefined;
    await units.unitOfWork.run(async () => {
      late = isDone.promise.then(() => createThingRepository(units.provider).insert(scored(1)));
    });
    isDone.resolve();
    await late;
    expect(await units.scores()).to.deep.equal([1]);
  });
});

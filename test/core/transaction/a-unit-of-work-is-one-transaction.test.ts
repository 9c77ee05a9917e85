import { expect } from 'chai';
import {
  NestedAcquireError,
  OutsideTransactionError,
  TransactionAbortedError,
  TransactionClosedError,
  TransactionTimeoutError,
  UniqueViolationError,
  UnitOfWork,
  outside,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { createThingRepository, makeThing, openThings, type Tables } from '../repository/things.ts';

describeOnEachDatabase('a unit of work is one transaction', (database) => {
  let provider: DatabaseProvider<Tables>;
  let unitOfWork: ReturnType<typeof makeUnitOfWork>;

  function makeUnitOfWork() {
    return new UnitOfWork(provider, { repositories: { things: createThingRepository } });
  }

  before(async () => {
    provider = await openThings(database);
    unitOfWork = makeUnitOfWork();
  });
  beforeEach(() => provider.db.deleteFrom('things').execute());
  after(() => provider.close());

  const scores = async () => {
    const rows = await provider.db.selectFrom('things').select('score').orderBy('score').execute();
    return rows.map(({ score }) => score);
  };

  it('commits what its repositories and its handle wrote, and returns what the work returns', async () => {
    const result = await unitOfWork.run(async ({ repositories: { things }, db }) => {
      await things.insert(makeThing({ score: 1 }));
      await db
        .insertInto('things')
        .values(makeThing({ score: 2 }))
        .execute();
      return (await things.findMany({})).length;
    });
    expect(result).to.equal(2);
    expect(await scores()).to.deep.equal([1, 2]);
  });

  it('rolls back what a throwing work wrote', async () => {
    const mine = new Error('mine');
    const outcome = unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(makeThing({ score: 1 }));
      throw mine;
    });
    expect(await rejectionOf(outcome)).to.equal(mine);
    expect(await scores()).to.deep.equal([]);
  });

  it('a swallowed failure rolls back, and says which statement failed first', async () => {
    const id = crypto.randomUUID();
    const outcome = unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(makeThing({ id, score: 1 }));
      expect(await rejectionOf(things.insert(makeThing({ id, score: 2 })))).to.be.instanceOf(
        UniqueViolationError,
      );
      const later = await rejectionOf(things.findMany({}));
      expect(later).to.be.instanceOf(TransactionAbortedError);
      expect((later as Error).cause).to.be.instanceOf(UniqueViolationError);
    });
    const error = await rejectionOf(outcome);
    expect(error).to.be.instanceOf(TransactionAbortedError);
    expect((error as Error).cause).to.be.instanceOf(UniqueViolationError);
    expect(await scores()).to.deep.equal([]);
  });

  it('a nested unit is undone alone', async () => {
    const id = crypto.randomUUID();
    await unitOfWork.run(async ({ repositories }) => {
      await repositories.things.insert(makeThing({ id, score: 1 }));
      const nested = unitOfWork.run(async (inner) => {
        await inner.repositories.things.insert(makeThing({ score: 2 }));
        await inner.repositories.things.insert(makeThing({ id, score: 3 }));
      });
      expect(await rejectionOf(nested)).to.be.instanceOf(UniqueViolationError);
      await unitOfWork.run((inner) => inner.repositories.things.insert(makeThing({ score: 4 })));
    });
    expect(await scores()).to.deep.equal([1, 4]);
  });

  it('statements beside a nested unit are not undone with it', async () => {
    await unitOfWork.run(async ({ repositories }) => {
      const nested = unitOfWork.run(async (inner) => {
        await inner.repositories.things.insert(makeThing({ score: 1 }));
        throw new Error('mine');
      });
      await Promise.all([rejectionOf(nested), repositories.things.insert(makeThing({ score: 2 }))]);
    });
    expect(await scores()).to.deep.equal([2]);
  });

  it('refuses the root handle, and the handle around a nested unit, at once', async () => {
    await unitOfWork.run(async ({ db }) => {
      for (const use of [
        () => provider.db.selectFrom('things').selectAll().execute(),
        () => provider.query('select 1'),
        () => provider.transaction(async () => undefined),
        () => provider.batch([provider.db.selectFrom('things').selectAll()]),
        () => provider.db.transaction().execute(async () => undefined),
        () => createThingRepository(provider).findMany({}),
        () => unitOfWork.begin(),
        () => unitOfWork.run(async () => undefined, { propagation: 'never' }),
      ])
        expect(await rejectionOf(use())).to.be.instanceOf(OutsideTransactionError);
      await unitOfWork.run(async () => {
        expect(await rejectionOf(db.selectFrom('things').selectAll().execute())).to.be.instanceOf(
          OutsideTransactionError,
        );
      });
    });
  });

  it('lets go outside on purpose, or says at once that it would wait for itself', async () => {
    await unitOfWork.run(async ({ repositories }) => {
      await repositories.things.insert(makeThing({ score: 1 }));
      const write = outside(() => createThingRepository(provider).insert(makeThing({ score: 2 })));
      if (database.name === 'postgres') await write;
      else expect(await rejectionOf(write)).to.be.instanceOf(NestedAcquireError);
      const fresh = unitOfWork.run((inner) => inner.repositories.things.insert(makeThing({ score: 3 })), {
        propagation: 'new',
      });
      if (database.name === 'postgres') await fresh;
      else expect(await rejectionOf(fresh)).to.be.instanceOf(NestedAcquireError);
    });
  });

  it('plain db.transaction() refuses the root handle as well', async () => {
    await provider.db.transaction().execute(async (tx) => {
      await tx.selectFrom('things').selectAll().execute();
      expect(await rejectionOf(provider.query('select 1'))).to.be.instanceOf(OutsideTransactionError);
      expect(await rejectionOf(unitOfWork.run(async () => undefined))).to.be.instanceOf(
        OutsideTransactionError,
      );
    });
    await provider.query('select 1');
  });

  it('ends by hand, and by the end of its block', async () => {
    {
      await using unit = await unitOfWork.begin();
      await unit.repositories.things.insert(makeThing({ score: 1 }));
      await unit.run((inner) => inner.repositories.things.insert(makeThing({ score: 2 })));
      await unit.commit();
    }
    {
      await using unit = await unitOfWork.begin();
      await unit.repositories.things.insert(makeThing({ score: 3 }));
    }
    expect(await scores()).to.deep.equal([1, 2]);
    expect(provider.stats().busy).to.equal(0);
  });

  it('frees its caller at the time limit, and undoes the rest', async () => {
    let late: Promise<unknown> | undefined;
    const outcome = unitOfWork.run(
      async ({ repositories, signal }) => {
        await repositories.things.insert(makeThing({ score: 1 }));
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
        });
        late = rejectionOf(repositories.things.insert(makeThing({ score: 2 })));
        await late;
      },
      { timeout: 20 },
    );
    expect(await rejectionOf(outcome)).to.be.instanceOf(TransactionTimeoutError);
    expect(await late).to.be.instanceOf(TransactionClosedError);
    expect(await scores()).to.deep.equal([]);
  });

  it('runs its hooks once, in order, after the outermost commit', async () => {
    const seen: string[] = [];
    await unitOfWork.run(async ({ afterCommit, afterRollback }) => {
      afterCommit(() => seen.push('first'));
      afterRollback(() => seen.push('never'));
      await unitOfWork.run(async (inner) => inner.afterCommit(() => seen.push('second')));
      await rejectionOf(
        unitOfWork.run(async (inner) => {
          inner.afterCommit(() => seen.push('never'));
          inner.afterRollback(() => seen.push('undone'));
          throw new Error('mine');
        }),
      );
      afterCommit(async () => {
        await provider.query('select 1');
        seen.push('third');
      });
      expect(seen).to.deep.equal(['undone']);
    });
    expect(seen).to.deep.equal(['undone', 'first', 'second', 'third']);
  });
});

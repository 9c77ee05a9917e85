import { expect } from 'chai';
import { sql } from 'kysely';
import { TransactionAbortedError, UniqueViolationError } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openUnits, scored, type Units } from './units.ts';

describeOnEachDatabase('a failed statement undoes its unit', (database) => {
  let units: Units;
  const id = crypto.randomUUID();

  before(async () => {
    units = await openUnits(database);
  });
  beforeEach(() => units.provider.db.deleteFrom('things').execute());
  afterEach(() => expect(units.provider.stats().busy).to.equal(0));
  after(() => units.provider.close());

  async function expectUndone(outcome: Promise<unknown>): Promise<void> {
    const error = await rejectionOf(outcome);
    expect(error).to.be.instanceOf(TransactionAbortedError);
    expect((error as Error).cause).to.be.instanceOf(UniqueViolationError);
    expect(await units.scores()).to.deep.equal([]);
  }

  it('where its error is swallowed', () =>
    expectUndone(
      units.unitOfWork.run(async ({ repositories: { things } }) => {
        await things.insert(scored(1, id));
        await rejectionOf(things.insert(scored(2, id)));
        expect(await rejectionOf(things.insert(scored(3)))).to.be.instanceOf(TransactionAbortedError);
      }),
    ));

  it('where nobody waits for it', () =>
    expectUndone(
      units.unitOfWork.run(async ({ repositories: { things } }) => {
        await things.insert(scored(1, id));
        void rejectionOf(things.insert(scored(2, id)));
      }),
    ));

  it('where it is swallowed in a nested unit, that one alone', async () => {
    await units.unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(scored(1, id));
      const nested = units.unitOfWork.run(async (inner) => {
        await inner.repositories.things.insert(scored(2));
        await rejectionOf(inner.repositories.things.insert(scored(3, id)));
      });
      const error = await rejectionOf(nested);
      expect(error).to.be.instanceOf(TransactionAbortedError);
      expect((error as Error).cause).to.be.instanceOf(UniqueViolationError);
      await things.insert(scored(4));
    });
    expect(await units.scores()).to.deep.equal([1, 4]);
  });

  it('where it fails in the nested unit of a nested unit, the innermost alone', async () => {
    await units.unitOfWork.run(async () => {
      await units.unitOfWork.run(async (middle) => {
        await middle.repositories.things.insert(scored(1, id));
        const innermost = units.unitOfWork.run(async ({ repositories }) => {
          await repositories.things.insert(scored(2));
          await repositories.things.insert(scored(3, id));
        });
        expect(await rejectionOf(innermost)).to.be.instanceOf(UniqueViolationError);
        await middle.repositories.things.insert(scored(4));
      });
    });
    expect(await units.scores()).to.deep.equal([1, 4]);
  });

  it('where it is a stream', () =>
    expectUndone(
      units.unitOfWork.run(async ({ repositories: { things }, db }) => {
        await things.insert(scored(1, id));
        const stream = db.insertInto('things').values(scored(2, id)).returning('id').stream(1);
        await rejectionOf(stream[Symbol.asyncIterator]().next());
        expect(await rejectionOf(things.findMany({}))).to.be.instanceOf(TransactionAbortedError);
      }),
    ));

  it('unless a rollback to a savepoint of ones own has undone it', async () => {
    await units.unitOfWork.run(async ({ repositories: { things }, db }) => {
      await things.insert(scored(1, id));
      await sql`savepoint mine`.execute(db);
      await things.insert(scored(2));
      await rejectionOf(things.insert(scored(3, id)));
      await sql`/* by hand */ rollback to mine`.execute(db);
      await things.insert(scored(4));
    });
    expect(await units.scores()).to.deep.equal([1, 4]);
  });

  it('and of a rollback to a savepoint that is none', async () => {
    const outcome = units.unitOfWork.run(async ({ repositories: { things }, db }) => {
      await things.insert(scored(1, id));
      await rejectionOf(things.insert(scored(2, id)));
      await rejectionOf(sql`rollback to nothing`.execute(db));
    });
    await expectUndone(outcome);
  });

  it('a nested unit whose savepoint was taken away by hand takes everything with it', async () => {
    const outcome = units.unitOfWork.run(async ({ repositories: { things }, db }) => {
      await things.insert(scored(1));
      await sql`savepoint mine`.execute(db);
      const nested = units.unitOfWork.run(async (inner) => {
        await inner.repositories.things.insert(scored(2));
        await sql`rollback to mine`.execute(inner.db);
      });
      await rejectionOf(nested);
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(TransactionAbortedError);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('a joined unit that fails counts, also while another statement succeeds', async () => {
    const mine = new Error('mine');
    const outcome = units.unitOfWork.run(async ({ repositories: { things }, db }) => {
      const other = things.insert(scored(1));
      const joined = units.unitOfWork.run(
        async () => {
          throw mine;
        },
        { propagation: 'join' },
      );
      expect(await rejectionOf(joined)).to.equal(mine);
      await other;
      // Nor does a rollback to a savepoint undo what was no statement.
      expect(await rejectionOf(sql`rollback to nothing`.execute(db))).to.be.instanceOf(
        TransactionAbortedError,
      );
    });
    const error = await rejectionOf(outcome);
    expect(error).to.be.instanceOf(TransactionAbortedError).and.include({ cause: mine });
    expect(await units.scores()).to.deep.equal([]);
  });
});

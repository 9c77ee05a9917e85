import { expect } from 'chai';
import type { Transaction } from 'kysely';
import {
  ReadOnlyDatabaseError,
  SerializationFailureError,
  TransactionAbortedError,
  TransactionClosedError,
  UniqueViolationError,
} from '../../../src/core/index.ts';
import type { CommitParticipant } from '../../../src/core/provider/commit-participant.ts';
import { gatherForCommit } from '../../../src/core/provider/transaction-hooks.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { passMicrotasks } from '../../support/microtasks.ts';
import { rejectionOf } from '../../support/rejection.ts';
import type { Tables } from '../repository/things.ts';
import { until } from '../../support/until.ts';
import { openUnits, scored, type Units } from './units.ts';

/** Writes what it is handed as the scores of things. */
class Scorer implements CommitParticipant<number> {
  readonly calls: (readonly number[])[] = [];
  /** What it does beside its writing. */
  beside: (db: Transaction<Tables>) => Promise<unknown> = async () => {};

  async beforeCommit(db: Transaction<never>, items: readonly number[]): Promise<void> {
    this.calls.push(items);
    const tx = db as unknown as Transaction<Tables>;
    for (const item of items) await tx.insertInto('things').values(scored(item)).execute();
    await this.beside(tx);
  }
}

describeOnEachDatabase('a participant writes with the commit', (database) => {
  let units: Units;
  let scorer: Scorer;

  before(async () => {
    units = await openUnits(database);
  });
  beforeEach(async () => {
    scorer = new Scorer();
    await units.provider.db.deleteFrom('things').execute();
  });
  // Behind an abort the rollback goes on when its caller is gone.
  afterEach(() => until(() => units.provider.stats().busy === 0));
  after(() => units.provider.close());

  it('once, in the order of the items, behind all of the work', async () => {
    await units.unitOfWork.run(async ({ db, repositories, transaction }) => {
      expect(gatherForCommit(db, scorer, 1)).to.equal(true);
      await transaction(async (tx) => gatherForCommit(tx, scorer, 2));
      gatherForCommit(db.withoutPlugins(), scorer, 3);
      await repositories.things.insert(scored(100));
      expect(scorer.calls).to.deep.equal([]);
    });
    expect(scorer.calls).to.deep.equal([[1, 2, 3]]);
    expect(await units.scores()).to.deep.equal([1, 2, 3, 100]);
  });

  it('for each transaction of the provider, and for a unit that ends by hand', async () => {
    await units.provider.transaction(async (tx) => gatherForCommit(tx, scorer, 1));
    await using unit = await units.unitOfWork.begin();
    gatherForCommit(unit.db, scorer, 2);
    await unit.commit();
    expect(await units.scores()).to.deep.equal([1, 2]);
  });

  it('nothing of a scope that was undone, and nothing where all of it was', async () => {
    await units.unitOfWork.run(async ({ db, transaction }) => {
      gatherForCommit(db, scorer, 1);
      await rejectionOf(
        transaction(async (tx) => {
          gatherForCommit(tx, scorer, 2);
          throw new Error('undone');
        }),
      );
    });
    await rejectionOf(
      units.unitOfWork.run(async ({ db }) => {
        gatherForCommit(db, scorer, 3);
        throw new Error('undone');
      }),
    );
    await using unit = await units.unitOfWork.begin();
    gatherForCommit(unit.db, scorer, 4);
    await unit.rollback();
    expect(scorer.calls).to.deep.equal([[1]]);
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('belongs to no handle without a scope', async () => {
    expect(gatherForCommit(units.provider.db, scorer, 1)).to.equal(false);
    await units.provider.db
      .transaction()
      .execute(async (tx) => expect(gatherForCommit(tx, scorer, 1)).to.equal(false));
  });

  it('its failure rolls everything back, and is what the caller is told', async () => {
    const failure = new Error('the participant failed');
    scorer.beside = () => Promise.reject(failure);
    let told: unknown;
    const error = await rejectionOf(
      units.unitOfWork.run(async ({ db, repositories, afterCommit, afterRollback }) => {
        afterCommit(() => expect.fail('nothing was committed'));
        afterRollback((reason) => (told = reason));
        await repositories.things.insert(scored(100));
        gatherForCommit(db, scorer, 1);
      }),
    );
    expect(error).to.equal(failure);
    expect(told).to.equal(failure);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('a failed statement of it that it swallows rolls everything back as well', async () => {
    const thing = scored(7);
    scorer.beside = async (tx) => {
      await tx.insertInto('things').values(thing).execute();
      await rejectionOf(tx.insertInto('things').values(thing).execute());
    };
    const error = await rejectionOf(units.unitOfWork.run(async ({ db }) => gatherForCommit(db, scorer, 1)));
    expect(error).to.be.instanceOf(TransactionAbortedError);
    expect((error as Error).cause).to.be.instanceOf(UniqueViolationError);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('a retry starts with nothing handed in', async () => {
    let attempts = 0;
    scorer.beside = async () => {
      if (attempts === 1) throw new SerializationFailureError('as if somebody else had been first');
    };
    await units.unitOfWork.run(async ({ db }) => {
      attempts += 1;
      gatherForCommit(db, scorer, attempts);
    });
    expect(scorer.calls).to.deep.equal([[1], [2]]);
    expect(await units.scores()).to.deep.equal([2]);
  });

  it('what the work has left behind adds nothing to it, and sends nothing beside it', async () => {
    const left: Promise<unknown>[] = [];
    const gate = Promise.withResolvers<void>();
    scorer.beside = async () => {
      gate.resolve();
      await Promise.all(left);
    };
    await units.unitOfWork.run(async ({ db, repositories }) => {
      gatherForCommit(db, scorer, 1);
      left.push(rejectionOf(gate.promise.then(() => gatherForCommit(db, scorer, 2))));
      left.push(rejectionOf(gate.promise.then(() => repositories.things.insert(scored(2)))));
    });
    for (const error of await Promise.all(left)) expect(error).to.be.instanceOf(TransactionClosedError);
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('its handle is of no use behind the commit, and takes no items', async () => {
    let late: Transaction<Tables> | undefined;
    let refusal: unknown;
    scorer.beside = async (tx) => {
      late = tx;
      refusal = await rejectionOf(Promise.resolve().then(() => gatherForCommit(tx, scorer, 2)));
    };
    await units.unitOfWork.run(async ({ db }) => gatherForCommit(db, scorer, 1));
    expect(refusal).to.be.instanceOf(TransactionClosedError);
    expect(await rejectionOf(late!.selectFrom('things').selectAll().execute())).to.be.instanceOf(
      TransactionClosedError,
    );
  });

  it('a read-only unit refuses at once', async () => {
    const error = await rejectionOf(
      units.unitOfWork.run(async ({ db }) => gatherForCommit(db, scorer, 1), { readOnly: true }),
    );
    expect(error).to.be.instanceOf(ReadOnlyDatabaseError);
  });

  for (const ending of ['run', 'begin'] as const) {
    it(`an abort while it writes frees the caller of ${ending}, and nothing is kept`, async () => {
      const abort = new AbortController();
      const reason = new Error('enough');
      const gate = Promise.withResolvers<void>();
      scorer.beside = async (tx) => {
        abort.abort(reason);
        await gate.promise;
        await rejectionOf(tx.insertInto('things').values(scored(2)).execute());
      };
      const { signal } = abort;
      const work = async (): Promise<void> => {
        if (ending === 'run') {
          await units.unitOfWork.run(async ({ db }) => gatherForCommit(db, scorer, 1), { signal });
          return;
        }
        await using unit = await units.unitOfWork.begin({ signal });
        gatherForCommit(unit.db, scorer, 1);
        await unit.commit();
      };
      expect(await rejectionOf(work())).to.equal(reason);
      gate.resolve();
      expect(await units.scores()).to.deep.equal([]);
    });
  }

  it('an abort at any moment around it: nobody is told of one whose rows stay', async () => {
    for (let moment = 0; moment < 60; moment += 1) {
      await units.provider.db.deleteFrom('things').execute();
      const abort = new AbortController();
      const reason = new Error('enough');
      const outcome = units.unitOfWork
        .run(
          async ({ db }) => {
            gatherForCommit(db, scorer, 1);
            void passMicrotasks(moment).then(() => abort.abort(reason));
          },
          { signal: abort.signal },
        )
        .then(
          () => 'kept',
          (error: unknown) => (error === reason ? 'undone' : error),
        );
      const rows = (await outcome) === 'kept' ? [1] : [];
      expect(await outcome).to.be.oneOf(['kept', 'undone']);
      expect(await units.scores(), `aborted behind ${moment} microtasks`).to.deep.equal(rows);
    }
  });

  it('a scope inside that nobody awaits is kept with its items, or undone with them', async () => {
    for (let moment = 0; moment < 40; moment += 1) {
      await units.provider.db.deleteFrom('things').execute();
      await units.unitOfWork.run(async ({ db, transaction }) => {
        gatherForCommit(db, scorer, 1);
        void rejectionOf(
          transaction(async (tx) => {
            await tx.insertInto('things').values(scored(100)).execute();
            gatherForCommit(tx, scorer, 2);
          }),
        );
        await passMicrotasks(moment);
      });
      expect(await units.scores(), `left behind ${moment} microtasks`).to.be.deep.oneOf([[1], [1, 2, 100]]);
    }
  });
});

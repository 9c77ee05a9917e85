import { expect } from 'chai';
import {
  NestedAcquireError,
  OutsideTransactionError,
  UnitOfWork,
  ValidationError,
  type UnitOptions,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openUnits, scored, type Units } from './units.ts';

describeOnEachDatabase('propagation says what a unit inside of another one is', (database) => {
  let units: Units;
  const hasRoomForTwo = database.name === 'postgres';

  before(async () => {
    units = await openUnits(database);
  });
  beforeEach(() => units.provider.db.deleteFrom('things').execute());
  afterEach(() => expect(units.provider.stats()).to.include({ busy: 0, waiting: 0 }));
  after(() => units.provider.close());

  const insert = (score: number, options?: UnitOptions) =>
    units.unitOfWork.run(({ repositories }) => repositories.things.insert(scored(score)), options);

  const insertAndFail = (score: number, options?: UnitOptions) =>
    units.unitOfWork.run(async ({ repositories }) => {
      await repositories.things.insert(scored(score));
      throw new Error('mine');
    }, options);

  const frames: Record<string, (work: () => Promise<unknown>) => Promise<unknown>> = {
    'a unit': (work) => units.unitOfWork.run(work),
    'provider.transaction': (work) => units.provider.transaction(work),
  };

  for (const [frame, wrap] of Object.entries(frames)) {
    it(`nested in ${frame}: undone alone, and with what is around it`, async () => {
      await wrap(async () => {
        await insert(1);
        await rejectionOf(insertAndFail(2, { propagation: 'nested' }));
        await insert(3);
      });
      expect(await units.scores()).to.deep.equal([1, 3]);
      await rejectionOf(
        wrap(async () => {
          await insert(4);
          throw new Error('mine');
        }),
      );
      expect(await units.scores()).to.deep.equal([1, 3]);
    });

    it(`join in ${frame}: a part of it, that takes everything with it where it fails`, async () => {
      await wrap(async () => {
        await insert(1, { propagation: 'join' });
        await insert(2, { propagation: 'join' });
      });
      const outcome = wrap(async () => {
        await insert(3);
        await rejectionOf(insertAndFail(4, { propagation: 'join' }));
      });
      const error = (await rejectionOf(outcome)) as Error;
      expect(error.cause).to.include({ message: 'mine' });
      // No statement of it has failed.
      expect(error.message).not.to.match(/statement/i);
      expect(await units.scores()).to.deep.equal([1, 2]);
    });

    it(`join in a nested unit in ${frame}: that one is undone alone`, async () => {
      await wrap(async () => {
        await insert(1);
        const nested = units.unitOfWork.run(async () => {
          await insert(2);
          await rejectionOf(insertAndFail(3, { propagation: 'join' }));
        });
        await rejectionOf(nested);
      });
      expect(await units.scores()).to.deep.equal([1]);
    });

    it(`new in ${frame}: stays, or is refused at once where it has to wait for itself`, async () => {
      await rejectionOf(
        wrap(async () => {
          const outcome = insert(1, { propagation: 'new' });
          if (hasRoomForTwo) await outcome;
          else expect(await rejectionOf(outcome)).to.be.instanceOf(NestedAcquireError);
          throw new Error('mine');
        }),
      );
      expect(await units.scores()).to.deep.equal(hasRoomForTwo ? [1] : []);
    });

    it(`never in ${frame}: refused`, async () => {
      await wrap(async () => {
        expect(await rejectionOf(insert(1, { propagation: 'never' }))).to.be.instanceOf(
          OutsideTransactionError,
        );
      });
    });
  }

  it('in a transaction of plain Kysely none but new can be', async () => {
    await units.provider.db.transaction().execute(async () => {
      for (const propagation of ['nested', 'join', 'never'] as const)
        expect(await rejectionOf(insert(1, { propagation }))).to.be.instanceOf(OutsideTransactionError);
      const outcome = insert(2, { propagation: 'new' });
      if (hasRoomForTwo) await outcome;
      else expect(await rejectionOf(outcome)).to.be.instanceOf(NestedAcquireError);
    });
    expect(await units.scores()).to.deep.equal(hasRoomForTwo ? [2] : []);
  });

  it('without anything around it, each begins a unit', async () => {
    for (const propagation of ['nested', 'join', 'new', 'never'] as const) await insert(1, { propagation });
    expect(await units.scores()).to.deep.equal([1, 1, 1, 1]);
  });

  it('whoever joins is given the same unit', async () => {
    await units.unitOfWork.run(async (unit) => {
      await units.unitOfWork.run(async (joined) => expect(joined).to.equal(unit), { propagation: 'join' });
      await units.unitOfWork.run(async (nested) => expect(nested).not.to.equal(unit));
    });
  });

  it('a unit inside of a new one belongs to that one', async () => {
    if (!hasRoomForTwo) return;
    await units.unitOfWork.run(() =>
      units.unitOfWork.run(
        async () => {
          await insert(1);
          await rejectionOf(insertAndFail(2));
        },
        { propagation: 'new' },
      ),
    );
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('another unit of work on the same provider nests as well', async () => {
    const another = new UnitOfWork(units.provider);
    await units.unitOfWork.run(async () => {
      await insert(1);
      await rejectionOf(
        another.run(async ({ db }) => {
          await db.insertInto('things').values(scored(2)).execute();
          throw new Error('mine');
        }),
      );
    });
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('what a unit was begun with holds for everything in it', async () => {
    await units.unitOfWork.run(async () => {
      const fault = await rejectionOf(insert(1, { isolation: 'read committed', readOnly: true }));
      expect(fault).to.be.instanceOf(ValidationError);
      expect((fault as ValidationError).issues.map(({ path }) => path)).to.deep.equal([
        ['isolation'],
        ['readOnly'],
      ]);
      await insert(1, { isolation: 'serializable', readOnly: false });
    });
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('every fault of the options is told at once, and nothing is begun', async () => {
    const faulty = {
      propagation: 'required',
      isolation: 'chaos',
      readOnly: 'yes',
      timeout: 0,
      signal: {},
      retry: { attempts: 0, baseDelay: -1, maxDelay: 1e9, onRetry: 'log' },
    };
    const fault = await rejectionOf(units.unitOfWork.run(async () => undefined, faulty as never));
    expect(fault).to.be.instanceOf(ValidationError);
    expect((fault as ValidationError).issues.map(({ path }) => path.join('.'))).to.deep.equal([
      'propagation',
      'isolation',
      'readOnly',
      'timeout',
      'signal',
      'retry.attempts',
      'retry.baseDelay',
      'retry.maxDelay',
      'retry.onRetry',
    ]);
    for (const retry of [3, null, 'often']) {
      const outcome = units.provider.transaction(async () => undefined, { retry } as never);
      expect(await rejectionOf(outcome)).to.be.instanceOf(ValidationError);
    }
    expect(() => new UnitOfWork({} as never)).to.throw(ValidationError);
    expect(() => new UnitOfWork(units.provider, { defaults: { timeout: -1 } })).to.throw(ValidationError);
    expect(() => new UnitOfWork(units.provider, { repositories: { things: 7 as never } })).to.throw(
      ValidationError,
    );
    expect(() => new UnitOfWork(units.provider, { services: { commit: () => 7 } })).to.throw(ValidationError);
  });
});

/** F38: one idempotency key is one execution, however often and wherever it is asked for. */
import { expect } from 'chai';
import type { KyselyPlugin } from 'kysely';
import {
  IdempotencyMismatchError,
  SagaFailedError,
  SagaRecords,
  SagaRunner,
  ValidationError,
  defineSaga,
  uncheckedInput,
  type SagaProvider,
} from '../../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import {
  migrateSagas,
  onlySaga,
  openSagaDatabase,
  type SagaTestDatabase,
  type SagaTestTables,
} from './saga-harness.ts';

describeOnEachDatabase('a request with an idempotency key', (database) => {
  let provider: SagaTestDatabase;
  let runs: number;
  const saga = defineSaga({
    name: 'pay',
    input: uncheckedInput<{ amount: number; to?: string; fails?: boolean }>(),
    steps: [
      {
        name: 'pay',
        async run({ input }) {
          runs += 1;
          await provider.query('select 1');
          if (input.fails === true) throw new RangeError('too much');
          return { paid: input.amount, run: runs };
        },
      },
    ],
  });

  beforeEach(async () => {
    provider = openSagaDatabase(await database.freshUrl());
    await migrateSagas(provider);
    runs = 0;
  });
  afterEach(() => provider.close());

  it('runs once for 100 callers of two runners, and all get the same', async () => {
    await using one = new SagaRunner(provider, { sagas: [saga], leaseDuration: 60_000, pollInterval: 20 });
    await using two = new SagaRunner(provider, { sagas: [saga], leaseDuration: 60_000, pollInterval: 20 });
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (index % 2 === 0 ? one : two).run(saga, { amount: 5 }, { idempotencyKey: 'request 1' }),
      ),
    );
    expect(runs).to.equal(1);
    for (const result of results) expect(result).to.deep.equal({ pay: { paid: 5, run: 1 } });
    expect(await onlySaga(provider)).to.include({ idempotencyKey: 'request 1', status: 'completed' });
  });

  it('gets the same afterwards, also a failure', async () => {
    const options = { idempotencyKey: 'request 2' };
    await using first = new SagaRunner(provider, { sagas: [saga] });
    const errors = [await rejectionOf(first.run(saga, { amount: 5, fails: true }, options))];
    await using second = new SagaRunner(provider, { sagas: [saga] });
    errors.push(await rejectionOf(second.run(saga, { fails: true, amount: 5 }, options)));
    for (const error of errors) {
      expect(error).to.be.instanceOf(SagaFailedError);
      expect((error as SagaFailedError).cause).to.include({ name: 'RangeError', message: 'too much' });
    }
    expect(runs).to.equal(1);
  });

  it('is refused where the input or the id is another one', async () => {
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const id = crypto.randomUUID();
    await runner.run(saga, { amount: 5, to: 'a' }, { id, idempotencyKey: 'request 3' });
    for (const [input, options] of [
      [{ amount: 6, to: 'a' }, { idempotencyKey: 'request 3' }],
      [{ amount: 5 }, { idempotencyKey: 'request 3' }],
      [
        { amount: 5, to: 'a' },
        { idempotencyKey: 'request 3', id: crypto.randomUUID() },
      ],
      [
        { amount: 5, to: 'a' },
        { idempotencyKey: 'request 4', id },
      ],
      [{ amount: 6, to: 'a' }, { id }],
    ] as const) {
      const error = await rejectionOf(runner.run(saga, input, options));
      expect(error, JSON.stringify([input, options])).to.be.instanceOf(IdempotencyMismatchError);
      expect(error).to.have.property('sagaId', id);
    }
    // The order of members says nothing.
    await runner.run(saga, { to: 'a', amount: 5 }, { id, idempotencyKey: 'request 3' });
    expect(runs).to.equal(1);
  });

  it('is one saga by its id as well, also where two begin it at once', async () => {
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const id = crypto.randomUUID();
    const [one, two, other] = await Promise.all([
      runner.run(saga, { amount: 5 }, { id }),
      runner.run(saga, { amount: 5 }, { id: id.toUpperCase() }),
      rejectionOf(runner.run(saga, { amount: 6 }, { id })),
    ]);
    expect(one).to.deep.equal(two);
    expect(other).to.be.instanceOf(IdempotencyMismatchError);
    expect(runs).to.equal(1);
  });

  it('may come again once what it did is deleted', async () => {
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const options = { idempotencyKey: 'request 5' };
    await runner.run(saga, { amount: 5 }, options);
    const records = new SagaRecords(provider);
    expect(await records.deleteFinished(0)).to.equal(0);
    expect(await records.deleteFinished(Date.now() + 60_000)).to.equal(1);
    await runner.run(saga, { amount: 6 }, options);
    expect(runs).to.equal(2);
  });

  for (const moment of ['before it was found', 'after it was found'] as const) {
    it(`may come again while what it did is deleted, ${moment}`, async () => {
      let isRacing = false;
      const remove = async () => {
        if (!isRacing) return;
        isRacing = false;
        await new SagaRecords(provider).deleteFinished(Date.now() + 60_000);
      };
      const racing: SagaProvider<SagaTestTables> = {
        get db() {
          if (moment === 'before it was found') return provider.db;
          const slow: KyselyPlugin = {
            transformQuery: ({ node }) => node,
            async transformResult({ result }) {
              await remove();
              return result;
            },
          };
          // Plugins of a provider are left out; this one stands in its executor.
          const { db } = provider;
          return Object.assign(Object.create(db) as typeof db, {
            withoutPlugins: () => db.withPlugin(slow),
            getExecutor: () => db.withPlugin(slow).getExecutor(),
          });
        },
        async transaction(work) {
          const result = await provider.transaction(work);
          if (moment === 'before it was found') await remove();
          return result;
        },
      };
      await using runner = new SagaRunner(racing, { sagas: [saga] });
      const options = { idempotencyKey: 'request 6' };
      await runner.run(saga, { amount: 5 }, options);
      isRacing = true;
      const again = await runner.run(saga, { amount: 5 }, options);
      expect(isRacing).to.equal(false);
      expect(again).to.deep.equal({ pay: { paid: 5, run: 2 } });
    });
  }

  it('has a key of at most 255 characters', async () => {
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    for (const idempotencyKey of ['', 'x'.repeat(256), 'a\0b']) {
      const error = await rejectionOf(runner.run(saga, { amount: 5 }, { idempotencyKey }));
      expect(error).to.be.instanceOf(ValidationError);
    }
  });
});

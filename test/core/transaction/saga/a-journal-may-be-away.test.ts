/** The journal's own database is away, slow, or keeps the outcome of a commit to itself. */
import { expect } from 'chai';
import {
  CommitOutcomeUnknownError,
  ConnectionError,
  LeaseLostError,
  SagaInterruptedError,
  SagaRunner,
  defineSaga,
  type SagaEventType,
  type SagaFailedError,
  type SagaProvider,
} from '../../../../src/core/index.ts';
import { SagaHeart } from '../../../../src/core/transaction/saga/saga-heart.ts';
import { SagaJournal } from '../../../../src/core/transaction/saga/saga-journal.ts';
import { SagaLease } from '../../../../src/core/transaction/saga/saga-lease.ts';
import { asJournal } from '../../../../src/core/transaction/saga/saga-tables.ts';
import { silentLogger } from '../../../../src/core/foundation/logger.ts';
import { describeOnEachDatabase } from '../../../support/database.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import {
  effectsOf,
  migrateSagas,
  onlySaga,
  openSagaDatabase,
  type SagaTestDatabase,
  type SagaTestTables,
} from './saga-harness.ts';
import { expectedEffects, sagaOfFive } from './saga-of-five.ts';

describeOnEachDatabase('a journal may be away', (database) => {
  let provider: SagaTestDatabase;

  beforeEach(async () => {
    provider = openSagaDatabase(await database.freshUrl());
    await migrateSagas(provider);
  });
  afterEach(() => provider.close());

  /** The same database, whose transactions `fault` may fail behind their commit or before they begin. */
  function faulty(fault: (place: 'before' | 'behind') => void): SagaProvider<SagaTestTables> {
    return {
      db: provider.db,
      async transaction(work) {
        fault('before');
        const result = await provider.transaction(work);
        fault('behind');
        return result;
      },
    };
  }

  for (const fails of [false, true]) {
    it(`with the outcome of any one commit unknown: ${fails ? 'undone' : 'done'} once all the same`, async () => {
      const saga = sagaOfFive(provider);
      const run = async (unknownAt: number) => {
        let writes = 0;
        const journal = faulty((place) => {
          if (place === 'before') return;
          writes += 1;
          if (writes === unknownAt) throw new CommitOutcomeUnknownError('nobody knows');
        });
        const id = crypto.randomUUID();
        await using runner = new SagaRunner(journal, { sagas: [saga], pollInterval: 10 });
        const told = await runner.run(saga, { fails }, { id }).then(
          () => 'completed',
          (thrown: unknown) => (thrown as SagaFailedError).status,
        );
        expect(told, `write ${unknownAt}`).to.equal(fails ? 'compensated' : 'completed');
        expect(await effectsOf(provider, id), `write ${unknownAt}`).to.deep.equal(expectedEffects(fails));
        return writes;
      };
      const writes = await run(0);
      for (let unknownAt = 1; unknownAt <= writes; unknownAt += 1) await run(unknownAt);
      const { calls } = await provider.db
        .selectFrom('effects')
        .select(({ fn }) => fn.max('calls').as('calls'))
        .executeTakeFirstOrThrow();
      expect(calls).to.equal(1);
    });
  }

  /** A saga whose step holds until it is told to go on, or to end. */
  function holding() {
    const begun = Promise.withResolvers<void>();
    const going = Promise.withResolvers<void>();
    const aborted: unknown[] = [];
    const saga = defineSaga({
      name: 'holding',
      steps: [
        {
          name: 'hold',
          async run({ signal }) {
            begun.resolve();
            const told = Promise.withResolvers<never>();
            signal.addEventListener('abort', () => {
              aborted.push(signal.reason);
              told.reject(new Error('told to end'));
            });
            await Promise.race([going.promise, told.promise]);
          },
        },
      ],
    });
    return { begun, going, aborted, saga };
  }

  it('for a whole lease: the step is told to end, and the saga goes on when the journal is back', async () => {
    const clock = new FakeClock();
    const { begun, going, aborted, saga } = holding();
    let isAway = false;
    let refused = 0;
    const refuse = () => {
      if (!isAway) return;
      refused += 1;
      throw new ConnectionError('away');
    };
    const journal: SagaProvider<SagaTestTables> = {
      ...faulty(refuse),
      get db() {
        refuse();
        return provider.db;
      },
    };
    const told: SagaEventType[] = [];
    await using runner = new SagaRunner(journal, {
      sagas: [saga],
      clock,
      leaseDuration: 1_000,
      onEvent: ({ type }) => told.push(type),
    });
    const run = rejectionOf(runner.run(saga, undefined));
    await begun.promise;
    isAway = true;
    for (let beat = 1; beat <= 5 && aborted.length === 0; beat += 1) {
      clock.advance(250);
      await until(() => refused >= beat || aborted.length > 0);
    }
    await until(() => aborted.length > 0);
    expect(aborted[0]).to.be.instanceOf(LeaseLostError);
    expect(await run).to.equal(aborted[0]);
    expect(told).to.deep.equal(['started', 'lease-lost']);
    isAway = false;
    going.resolve();
    expect(await runner.resume()).to.include({ completed: 1 });
    expect((await onlySaga(provider)).steps[0]).to.include({ state: 'done', attempts: 2 });
  });

  it('while its runner closes: closing does not take as long as the lease', async () => {
    const { begun, saga } = holding();
    let isAway = false;
    const journal = faulty(() => {
      if (isAway) throw new ConnectionError('away');
    });
    const runner = new SagaRunner(journal, { sagas: [saga], leaseDuration: 3_600_000 });
    const run = rejectionOf(runner.run(saga, undefined));
    await begun.promise;
    isAway = true;
    await runner.close({ deadline: 0 });
    expect(await run).to.be.instanceOf(SagaInterruptedError);
  }).timeout(30_000);

  for (const what of ['a step', 'its start'] as const) {
    it(`and hang while its runner closes with ${what} under way: closing has its bounds`, async () => {
      const clock = new FakeClock();
      const { begun, saga } = holding();
      let isHanging = what === 'its start';
      const asked = Promise.withResolvers<void>();
      const journal: SagaProvider<SagaTestTables> = {
        db: provider.db,
        transaction(work) {
          if (!isHanging) return provider.transaction(work);
          asked.resolve();
          return new Promise(() => {});
        },
      };
      const runner = new SagaRunner(journal, { sagas: [saga], clock });
      const run = rejectionOf(runner.run(saga, undefined));
      await (what === 'a step' ? begun : asked).promise;
      isHanging = true;
      let isClosed = false;
      const closing = runner.close({ deadline: 1_000 }).then(() => (isClosed = true));
      await until(() => {
        clock.advance(250);
        return isClosed;
      });
      await closing;
      expect(await run).to.be.instanceOf(SagaInterruptedError);
    });
  }

  it('for ever, where its provider was closed: then nobody looks any more', async () => {
    const clock = new FakeClock();
    const { saga } = holding();
    await using closed = openSagaDatabase(await database.freshUrl());
    await migrateSagas(closed);
    let warnings = 0;
    const logger = {
      ...silentLogger,
      warn() {
        warnings += 1;
        // Nor does a logger that throws make it reject.
        throw new Error('the disk is full');
      },
    };
    await using runner = new SagaRunner(closed, { sagas: [saga], clock, logger });
    runner.start();
    await until(() => clock.pending === 1);
    await closed.close();
    clock.advance(500);
    await until(() => warnings === 1);
    await until(() => clock.pending === 0);
  });

  it('and one heart beats once at a time, however often it has nothing to beat for', async () => {
    const clock = new FakeClock();
    const heart = new SagaHeart({
      journal: new SagaJournal(asJournal(provider), clock),
      clock,
      logger: silentLogger,
      owner: 'somebody',
      leaseDuration: 1_000,
    });
    const one = new SagaLease(crypto.randomUUID(), 1, clock.monotonic());
    heart.add(one);
    for (let count = 0; count < 3; count += 1) {
      clock.advance(250);
      // The beat is under way.
      heart.remove(one);
      heart.add(new SagaLease(crypto.randomUUID(), 1, clock.monotonic()));
      heart.add(one);
      await provider.db.selectFrom('sagas').select('id').execute();
      await until(() => clock.pending <= 1);
    }
    expect(clock.pending).to.equal(1);
  });
});

import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { sql } from 'kysely';
import {
  DatabaseBusyError,
  TransactionClosedError,
  TransactionTimeoutError,
  systemClock,
  type UnitOptions,
} from '../../../src/core/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { holdWriteLock } from '../../support/lock-holder.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { openUnits, scored, type Units } from './units.ts';

describeOnEachDatabase('a unit ends in its time', (database) => {
  let units: Units;
  let clock: FakeClock;
  let controller: AbortController;
  const reason = new Error('no longer needed');

  before(async () => {
    clock = new FakeClock();
    units = await openUnits(database, { clock });
    // What the pool watches by itself is watched from here on.
    await units.scores();
  });
  beforeEach(async () => {
    controller = new AbortController();
    await units.provider.db.deleteFrom('things').execute();
  });
  afterEach(async () => {
    await until(() => units.provider.stats().busy === 0);
    expect(getEventListeners(controller.signal, 'abort')).to.have.length(0);
  });
  after(() => units.provider.close());

  /** Each way to end a unit early: what to ask for, how it comes about, and what the caller is told. */
  const ways = {
    'its time limit': {
      options: (): UnitOptions => ({ timeout: 100, signal: controller.signal }),
      fire: () => clock.advance(100),
      check: (error: unknown) => expect(error).to.be.instanceOf(TransactionTimeoutError),
    },
    'its signal': {
      options: (): UnitOptions => ({ timeout: 100_000, signal: controller.signal }),
      fire: () => controller.abort(reason),
      check: (error: unknown) => expect(error).to.equal(reason),
    },
    'its signal alone': {
      options: (): UnitOptions => ({ signal: controller.signal }),
      fire: () => controller.abort(reason),
      check: (error: unknown) => expect(error).to.equal(reason),
    },
  };

  for (const [way, { options, fire, check }] of Object.entries(ways)) {
    it(`by ${way}, while its work waits elsewhere: nothing of it stays`, async () => {
      const timers = clock.pending;
      let late: Promise<unknown> | undefined;
      const outcome = units.unitOfWork.run(async ({ repositories: { things }, signal }) => {
        await things.insert(scored(1));
        queueMicrotask(fire);
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
        });
        late = rejectionOf(things.insert(scored(2)));
        await late;
        await new Promise<never>(() => {});
      }, options());
      check(await rejectionOf(outcome));
      const refusal = await late;
      expect(refusal).to.be.instanceOf(TransactionClosedError);
      check((refusal as Error).cause);
      await until(() => units.provider.stats().busy === 0);
      expect(await units.scores()).to.deep.equal([]);
      expect(clock.pending).to.equal(timers);
    });

    it(`by ${way}, while it waits for its connection`, async () => {
      if (database.name === 'postgres') return;
      const left = Promise.withResolvers<void>();
      const holder = units.unitOfWork.run(() => left.promise);
      let isRun = false;
      const outcome = rejectionOf(units.unitOfWork.run(async () => (isRun = true), options()));
      fire();
      check(await outcome);
      left.resolve();
      await holder;
      expect(isRun).to.equal(false);
    });

    it(`by ${way}, in a nested unit: that one alone`, async () => {
      await units.unitOfWork.run(async ({ repositories: { things } }) => {
        const nested = units.unitOfWork.run(async (inner) => {
          await inner.repositories.things.insert(scored(1));
          queueMicrotask(fire);
          await new Promise<never>(() => {});
        }, options());
        check(await rejectionOf(nested));
        await things.insert(scored(2));
      });
      expect(await units.scores()).to.deep.equal([2]);
    });

    it(`by ${way}, in a nested unit that waits for its turn: its work never runs`, async () => {
      let isRun = false;
      await units.unitOfWork.run(async ({ repositories: { things } }) => {
        const left = Promise.withResolvers<void>();
        const first = units.unitOfWork.run(() => left.promise);
        const second = rejectionOf(
          units.unitOfWork.run(async (inner) => {
            isRun = true;
            await inner.repositories.things.insert(scored(1));
          }, options()),
        );
        fire();
        check(await second);
        left.resolve();
        await first;
        await things.insert(scored(2));
      });
      expect(isRun).to.equal(false);
      expect(await units.scores()).to.deep.equal([2]);
    });

    it(`by ${way}, in a joined unit: the whole`, async () => {
      const outcome = units.unitOfWork.run(async ({ repositories: { things } }) => {
        await things.insert(scored(1));
        queueMicrotask(fire);
        await units.unitOfWork.run(() => new Promise<never>(() => {}), { ...options(), propagation: 'join' });
      });
      check(await rejectionOf(outcome));
      await until(() => units.provider.stats().busy === 0);
      expect(await units.scores()).to.deep.equal([]);
    });

    it(`by ${way}, in the pause before another attempt`, async () => {
      let attempts = 0;
      const outcome = rejectionOf(
        units.unitOfWork.run(
          async () => {
            attempts += 1;
            throw new DatabaseBusyError('busy');
          },
          {
            ...options(),
            retry: { baseDelay: 50_000, maxDelay: 50_000, onRetry: () => setImmediate(fire) },
          },
        ),
      );
      check(await outcome);
      expect(attempts).to.equal(1);
    });

    it(`not by ${way} once its commit is under way: that decides`, async () => {
      const result = await units.unitOfWork.run(async ({ repositories: { things }, afterCommit }) => {
        await things.insert(scored(1));
        afterCommit(fire);
        return 'kept';
      }, options());
      expect(result).to.equal('kept');
      expect(await units.scores()).to.deep.equal([1]);
    });

    it(`by ${way} while a statement that nobody waited for keeps the commit waiting`, async () => {
      const outcome = units.unitOfWork.run(async ({ repositories: { things } }) => {
        await things.insert(scored(1));
        // The work is over, and the end has not begun.
        const left = Promise.withResolvers<void>();
        void rejectionOf(units.unitOfWork.run(() => left.promise));
        void rejectionOf(things.insert(scored(2)));
        queueMicrotask(fire);
      }, options());
      const [settled] = await Promise.allSettled([outcome]);
      // Whichever comes first: nothing stays where the caller was told so.
      await until(() => units.provider.stats().busy === 0);
      if (settled.status === 'rejected') {
        check(settled.reason);
        expect(await units.scores()).to.deep.equal([]);
      } else expect(await units.scores()).to.deep.equal([1]);
    });
  }

  it('a signal that has fired already lets nothing begin', async () => {
    controller.abort(reason);
    let isRun = false;
    for (const start of [
      () => units.unitOfWork.run(async () => (isRun = true), { signal: controller.signal }),
      () => units.unitOfWork.run(async () => (isRun = true), { signal: controller.signal, timeout: 10 }),
      () => units.provider.transaction(async () => (isRun = true), { signal: controller.signal }),
      () => units.unitOfWork.begin({ signal: controller.signal }),
      () => units.unitOfWork.begin({ signal: controller.signal, timeout: 10 }),
    ])
      expect(await rejectionOf(start())).to.equal(reason);
    expect(isRun).to.equal(false);
  });

  it('its own error wins where it fails first', async () => {
    const mine = new Error('mine');
    const outcome = units.unitOfWork.run(
      async ({ afterRollback }) => {
        afterRollback(() => clock.advance(100));
        throw mine;
      },
      { timeout: 100 },
    );
    expect(await rejectionOf(outcome)).to.equal(mine);
  });
});

describeOnDatabase('postgres', 'a unit that ends early', (database) => {
  it('is cancelled on the server, and its caller freed at once', async () => {
    const { provider, unitOfWork, scores } = await openUnits(database);
    const running = async () => {
      const [row] = await provider.query<{ n: number }>(
        "select count(*)::int as n from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()",
      );
      return row?.n ?? 0;
    };
    for (const start of [
      () => unitOfWork.run(({ db }) => sql`select pg_sleep(60)`.execute(db), { timeout: 100 }),
      () =>
        unitOfWork.run(
          async ({ repositories: { things }, db }) => {
            await things.insert(scored(1));
            void rejectionOf(sql`select pg_sleep(60)`.execute(db));
          },
          { timeout: 100 },
        ),
      () =>
        unitOfWork.run(
          async ({ db }) => {
            await Promise.all([
              sql`select pg_sleep(60)`.execute(db),
              Promise.reject(new TransactionTimeoutError('mine')),
            ]);
          },
          { timeout: 100 },
        ),
    ]) {
      const begun = performance.now();
      expect(await rejectionOf(start())).to.be.instanceOf(TransactionTimeoutError);
      expect(performance.now() - begun).to.be.within(50, 20_000);
      await until(async () => (await running()) === 0);
      await until(() => provider.stats().busy === 0);
    }
    // A nested one alone.
    await unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(scored(1));
      const nested = unitOfWork.run(({ db }) => sql`select pg_sleep(60)`.execute(db), { timeout: 100 });
      expect(await rejectionOf(nested)).to.be.instanceOf(TransactionTimeoutError);
      await things.insert(scored(2));
    });
    expect(await scores()).to.deep.equal([1, 2]);
    await provider.close();
  });
});

describeOnDatabase('sqlite-file', 'a unit that waits for the lock of another process', (database) => {
  it('frees its caller in time, whichever way it begins', async () => {
    const { provider, unitOfWork } = await openUnits(database, { clock: systemClock });
    const [file] = await provider.query<{ file: string }>('pragma database_list');
    const holder = await holdWriteLock(file?.file ?? '');
    for (const start of [
      () => unitOfWork.run(async () => undefined, { timeout: 50 }),
      () => unitOfWork.begin({ timeout: 50 }),
      () => unitOfWork.begin({ signal: AbortSignal.timeout(50) }),
    ]) {
      const begun = performance.now();
      await rejectionOf(start());
      expect(performance.now() - begun).to.be.within(40, 9_000);
    }
    await holder.release();
    await unitOfWork.run(({ repositories: { things } }) => things.insert(scored(1)));
    await until(() => provider.stats().busy === 0);
    await provider.close();
  });
});

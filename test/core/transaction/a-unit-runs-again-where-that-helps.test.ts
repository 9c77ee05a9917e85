import { expect } from 'chai';
import { sql } from 'kysely';
import {
  CommitOutcomeUnknownError,
  ConnectionError,
  DatabaseBusyError,
  DeadlockError,
  SerializationFailureError,
  QueryError,
  StalePreparedStatementError,
  TransactionAbortedError,
  UniqueViolationError,
  type RetryEvent,
} from '../../../src/core/index.ts';
import { postgresEngine } from '../../../src/core/engine/postgres/postgres-engine.ts';
import { sqliteEngine } from '../../../src/core/engine/sqlite/sqlite-engine.ts';
import { withFaults, type DriverCall, type FaultInjector } from '../../../src/core/testing/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { holdWriteLock } from '../../support/lock-holder.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openUnits, scored, type Units } from './units.ts';

describeOnEachDatabase('a unit runs again where that helps', (database) => {
  let units: Units;
  let inject: FaultInjector | undefined;
  const quick = { baseDelay: 0.1, maxDelay: 0.1 };

  before(async () => {
    const ask = (call: DriverCall) => inject?.(call);
    units = await openUnits(database, {
      engines: [withFaults(sqliteEngine, ask), withFaults(postgresEngine, ask)],
    });
  });
  beforeEach(() => units.provider.db.deleteFrom('things').execute());
  afterEach(() => {
    inject = undefined;
    expect(units.provider.stats()).to.include({ busy: 0, waiting: 0 });
  });
  after(() => units.provider.close());

  /** Fails so many calls of a kind. */
  function failing(times: number, kind: DriverCall['kind'], makeError: () => Error): FaultInjector {
    let left = times;
    return (call) => {
      // Behind a loss the database is asked whether it is back.
      if (call.kind !== kind || call.sql === 'select 1' || left === 0) return;
      left -= 1;
      throw makeError();
    };
  }

  const reasons = {
    SerializationFailureError: () => new SerializationFailureError('a fault of the test'),
    DeadlockError: () => new DeadlockError('a fault of the test'),
    DatabaseBusyError: () => new DatabaseBusyError('a fault of the test'),
    StalePreparedStatementError: () => new StalePreparedStatementError('a fault of the test'),
    ConnectionError: () => new ConnectionError('a fault of the test'),
  };

  for (const [name, makeError] of Object.entries(reasons)) {
    for (const kind of ['begin', 'statement', 'commit'] as const) {
      it(`behind ${name} of ${kind}, up to five times, and is told of each`, async () => {
        const events: RetryEvent[] = [];
        let attempts = 0;
        inject = failing(4, kind, makeError);
        const run = (retry: object) =>
          units.unitOfWork.run(
            async ({ repositories: { things } }) => {
              attempts += 1;
              await things.insert(scored(attempts));
              return attempts;
            },
            { retry },
          );
        const result = await run({ ...quick, onRetry: (event: RetryEvent) => void events.push(event) });
        expect(events.map(({ attempt, error }) => [attempt, (error as Error).name])).to.deep.equal(
          [1, 2, 3, 4].map((attempt) => [attempt, name]),
        );
        expect(result).to.equal(kind === 'begin' ? 1 : 5);
        expect(await units.scores()).to.deep.equal([result]);
        inject = failing(5, kind, makeError);
        expect(await rejectionOf(run(quick))).to.have.property('name', name);
      });
    }
  }

  it('behind such a failure in a nested unit, as a whole', async () => {
    let attempts = 0;
    await units.unitOfWork.run(
      async ({ repositories: { things } }) => {
        attempts += 1;
        await things.insert(scored(attempts));
        await units.unitOfWork.run(async () => {
          if (attempts < 3) throw new SerializationFailureError('a fault of the test');
        });
      },
      { retry: quick },
    );
    expect(await units.scores()).to.deep.equal([3]);
  });

  it('behind such a failure that its work has wrapped, or swallowed', async () => {
    let attempts = 0;
    const fault = () => new DeadlockError('a fault of the test');
    inject = failing(3, 'statement', fault);
    const result = await units.unitOfWork.run(
      async ({ repositories: { things } }) => {
        attempts += 1;
        const outcome = things.insert(scored(attempts));
        if (attempts === 1) await rejectionOf(outcome);
        if (attempts === 2)
          throw new Error('mine', { cause: new Error('between', { cause: await rejectionOf(outcome) }) });
        if (attempts === 3) {
          await rejectionOf(outcome);
          throw new Error('nothing of the cause');
        }
        if (attempts === 4) throw new Error('mine', { cause: fault() });
        await outcome;
        return attempts;
      },
      { retry: quick },
    );
    expect(result).to.equal(5);
    expect(await units.scores()).to.deep.equal([5]);
  });

  it('from its start each time: what an attempt left in memory is its own affair', async () => {
    let attempts = 0;
    const seen: number[] = [];
    await units.unitOfWork.run(
      async ({ repositories: { things } }) => {
        attempts += 1;
        seen.push(await things.count({}));
        await things.insert(scored(attempts));
        if (attempts < 3) throw new DatabaseBusyError('busy');
      },
      { retry: quick },
    );
    expect(seen).to.deep.equal([0, 0, 0]);
    expect(await units.scores()).to.deep.equal([3]);
  });

  const hopeless = {
    'an error of its own': () => new Error('mine'),
    'an error that says nothing of another try': () => new QueryError('a fault of the test', undefined),
    'a loss that is none that passes': () =>
      Object.defineProperty(new ConnectionError('a fault of the test'), 'retryable', { value: false }),
    'a commit whose outcome nobody knows': () =>
      new CommitOutcomeUnknownError('a fault of the test', {
        cause: new ConnectionError('lost'),
        xid: undefined,
      }),
    'an error whose cause is such a commit': () =>
      new Error('mine', {
        cause: new CommitOutcomeUnknownError('a fault of the test', {
          cause: new ConnectionError('lost'),
          xid: undefined,
        }),
      }),
  };

  for (const [name, makeError] of Object.entries(hopeless)) {
    it(`not behind ${name}`, async () => {
      let attempts = 0;
      const mine = makeError();
      const outcome = units.unitOfWork.run(
        async () => {
          attempts += 1;
          throw mine;
        },
        { retry: quick },
      );
      expect(await rejectionOf(outcome)).to.equal(mine);
      expect(attempts).to.equal(1);
    });
  }

  it('not where its caller has not asked for it', async () => {
    for (const run of [
      (work: () => Promise<void>) => units.unitOfWork.run(work, { retry: false }),
      (work: () => Promise<void>) => units.unitOfWork.run(work, { retry: { attempts: 1 } }),
      (work: () => Promise<void>) => units.provider.transaction(work),
    ]) {
      let attempts = 0;
      const outcome = run(async () => {
        attempts += 1;
        throw new DatabaseBusyError('busy');
      });
      expect(await rejectionOf(outcome)).to.be.instanceOf(DatabaseBusyError);
      expect(attempts).to.equal(1);
    }
  });

  it('a transaction of the provider as well, where that is asked for', async () => {
    let attempts = 0;
    await units.provider.transaction(
      async (tx) => {
        attempts += 1;
        await tx.insertInto('things').values(scored(attempts)).execute();
        if (attempts < 3) throw new DatabaseBusyError('busy');
      },
      { retry: quick },
    );
    expect(await units.scores()).to.deep.equal([3]);
  });

  it('not where `onRetry` throws: its first error is told, and that one as `suppressed`', async () => {
    const busy = new DatabaseBusyError('busy');
    const mine = new Error('mine');
    const outcome = units.unitOfWork.run(
      async () => {
        throw busy;
      },
      {
        retry: {
          onRetry() {
            throw mine;
          },
        },
      },
    );
    expect(await rejectionOf(outcome)).to.equal(busy);
    expect((busy as { suppressed?: unknown }).suppressed).to.equal(mine);
  });

  it('with pauses within what was asked for', async () => {
    const delays: number[] = [];
    const outcome = units.unitOfWork.run(
      async () => {
        throw new SerializationFailureError('a fault of the test');
      },
      {
        retry: { attempts: 30, baseDelay: 0.5, maxDelay: 2, onRetry: ({ delay }) => void delays.push(delay) },
      },
    );
    await rejectionOf(outcome);
    expect(delays).to.have.length(29);
    for (const delay of delays) expect(delay).to.be.within(0.5, 2);
    expect(new Set(delays).size).to.be.greaterThan(1);
  });

  it('a write that stands alone never does', async () => {
    inject = failing(1, 'statement', () => new ConnectionError('a fault of the test'));
    const write = units.provider.db.insertInto('things').values(scored(1)).execute();
    expect(await rejectionOf(write)).to.be.instanceOf(ConnectionError);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('and a failure that a savepoint of ones own has undone is none', async () => {
    inject = undefined;
    let attempts = 0;
    await units.unitOfWork.run(async ({ repositories: { things }, db }) => {
      attempts += 1;
      const id = crypto.randomUUID();
      await things.insert(scored(1, id));
      await sql`savepoint mine`.execute(db);
      expect(await rejectionOf(things.insert(scored(2, id)))).to.be.instanceOf(UniqueViolationError);
      expect(await rejectionOf(things.findMany({}))).to.be.instanceOf(TransactionAbortedError);
      await sql`rollback to mine`.execute(db);
    });
    expect(attempts).to.equal(1);
    expect(await units.scores()).to.deep.equal([1]);
  });
});

describeOnDatabase('sqlite-file', 'a unit that meets the lock of another process', (database) => {
  it('runs again until that one lets go', async () => {
    const url = `${await database.freshUrl()}?lockTimeout=20`;
    const { provider, unitOfWork, scores } = await openUnits({ ...database, freshUrl: async () => url });
    const [file] = await provider.query<{ file: string }>('pragma database_list');
    const holder = await holdWriteLock(file?.file ?? '');
    const reasons: string[] = [];
    let released: Promise<void> | undefined;
    await unitOfWork.run(({ repositories: { things } }) => things.insert(scored(1)), {
      retry: {
        attempts: 100,
        onRetry: ({ error }) => {
          reasons.push((error as Error).name);
          released ??= holder.release();
        },
      },
    });
    await released;
    expect(new Set(reasons)).to.deep.equal(new Set(['DatabaseBusyError']));
    expect(await scores()).to.deep.equal([1]);
    await provider.close();
  });
});

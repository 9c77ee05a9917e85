import { expect } from 'chai';
import fc from 'fast-check';
import {
  SagaFailedError,
  SagaInterruptedError,
  SagaRunner,
  defineSaga,
  silentLogger,
  systemClock,
  type SagaEvent,
  type SagaEventType,
  type SagaProvider,
} from '../../../../src/core/index.ts';
import { SagaHeart } from '../../../../src/core/transaction/saga/saga-heart.ts';
import { SagaJournal } from '../../../../src/core/transaction/saga/saga-journal.ts';
import { SagaLease } from '../../../../src/core/transaction/saga/saga-lease.ts';
import { asJournal } from '../../../../src/core/transaction/saga/saga-tables.ts';
import { SagaLeaseWatch } from '../../../../src/core/transaction/saga/saga-lease-watch.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../../support/database.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import {
  effect,
  migrateSagas,
  onlySaga,
  openSagaDatabase,
  shortLease,
  type SagaTestDatabase,
  type SagaTestTables,
} from './saga-harness.ts';

const lease = 1_000;
const row = { id: 'saga', owner: 'somebody', fence: 1, heartbeat: 7 };

describe('a lease is watched', () => {
  it('on the monotonic clock of the watcher: only what has not moved for a whole lease is abandoned', () => {
    const clock = new FakeClock();
    const watch = new SagaLeaseWatch(clock, lease);
    const look = (seen = row) => watch.isAbandoned(seen, clock.monotonic());
    expect(look()).to.equal(false);
    for (let passed = 250; passed < lease; passed += 250) {
      clock.advance(250);
      clock.shiftWall(passed % 500 === 0 ? 86_400_000 : -86_400_000);
      expect(look()).to.equal(false);
    }
    expect(watch.nextDue).to.equal(clock.monotonic() + 250);
    clock.advance(250);
    expect(look()).to.equal(true);
    // Whoever could not take it comes back with the next look, and not at once.
    expect(watch.nextDue).to.equal(Number.POSITIVE_INFINITY);
    expect(look({ ...row, heartbeat: 8 })).to.equal(false);
    expect(look({ ...row, heartbeat: 8, fence: 2 })).to.equal(false);
  });

  it('and one that was released is free at once', () => {
    const watch = new SagaLeaseWatch(new FakeClock(), lease);
    expect(watch.isAbandoned({ ...row, owner: null }, 0)).to.equal(true);
  });

  it('but not by one that was paused: its owner may have been paused with it', () => {
    const clock = new FakeClock();
    const watch = new SagaLeaseWatch(clock, lease);
    watch.isAbandoned(row, clock.monotonic());
    clock.advance(3 * lease);
    expect(watch.isAbandoned(row, clock.monotonic())).to.equal(false);
  });

  it('and an answer counts from when it was asked for', () => {
    const clock = new FakeClock();
    const watch = new SagaLeaseWatch(clock, lease);
    watch.isAbandoned(row, clock.monotonic());
    for (let count = 0; count < 3; count += 1) {
      clock.advance(300);
      expect(watch.isAbandoned(row, clock.monotonic())).to.equal(false);
    }
    const askedAt = clock.monotonic();
    clock.advance(300);
    expect(watch.isAbandoned(row, askedAt)).to.equal(false);
  });

  it('so that an owner that beats within its lease keeps it, whoever looks and when', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: lease / 4 })), { maxLength: 200 }),
        (moves) => {
          const clock = new FakeClock();
          const watch = new SagaLeaseWatch(clock, lease);
          let heartbeat = 0;
          let beatAt = clock.monotonic();
          for (const [isLook, duration] of moves) {
            clock.advance(duration);
            if (clock.monotonic() - beatAt >= lease / 2) {
              heartbeat += 1;
              beatAt = clock.monotonic();
            }
            if (isLook && watch.isAbandoned({ ...row, heartbeat }, clock.monotonic())) return false;
          }
          return true;
        },
      ),
    );
  });
});

describeOnEachDatabase('a saga changes hands', (database) => {
  let provider: SagaTestDatabase;

  beforeEach(async () => {
    provider = openSagaDatabase(await database.freshUrl());
    await migrateSagas(provider);
  });
  afterEach(() => provider.close());

  /** A saga whose second step holds until it is told; each runner has code of its own. */
  function holding() {
    const begun = Promise.withResolvers<void>();
    const going = Promise.withResolvers<void>();
    const calls: string[] = [];
    const saga = defineSaga({
      name: 'holding',
      steps: [
        { name: 'first', run: () => void calls.push('first') },
        {
          name: 'second',
          async run({ idempotencyKey, attempt, signal }) {
            calls.push(`second ${attempt} ${idempotencyKey.split(':')[1]}`);
            begun.resolve();
            await Promise.race([
              going.promise,
              new Promise((_, reject) =>
                signal.addEventListener('abort', () => reject(new Error('told to end'))),
              ),
            ]);
          },
        },
      ],
    });
    return { begun, going, calls, saga };
  }

  it('at once where its runner is closed', async () => {
    const one = holding();
    const events: SagaEvent[] = [];
    const first = new SagaRunner(provider, { sagas: [one.saga], onEvent: (event) => events.push(event) });
    const run = rejectionOf(first.run(one.saga, undefined));
    await one.begun.promise;
    await first.close({ deadline: 0 });
    expect(await run).to.be.instanceOf(SagaInterruptedError);
    expect(events.at(-1)).to.include({ type: 'interrupted' });
    expect(await onlySaga(provider)).to.include({ status: 'running', owner: undefined });

    const two = holding();
    two.going.resolve();
    const clock = new FakeClock();
    await using second = new SagaRunner(provider, { sagas: [two.saga], clock });
    // Time stands still: whatever has to wait for a lease would wait for ever.
    expect(await second.resume()).to.include({ completed: 1 });
    expect(one.calls.concat(two.calls)).to.deep.equal(['first', 'second 1 second', 'second 2 second']);
    const { steps } = await onlySaga(provider);
    expect(steps[1]).to.include({ attempts: 2, failures: 0, crashes: 0 });
  });

  it('never while its owner beats, though their wall clocks differ by days', async () => {
    const one = holding();
    const clock = new FakeClock();
    await using first = new SagaRunner(provider, { sagas: [one.saga], clock, leaseDuration: lease });
    const run = first.run(one.saga, undefined);
    await one.begun.promise;
    const two = holding();
    const theirs = new FakeClock(clock.now() + 10 * 86_400_000);
    await using second = new SagaRunner(provider, { sagas: [two.saga], clock: theirs, leaseDuration: lease });
    second.start();
    const heartbeat = async () =>
      (await provider.db.selectFrom('sagas').select('heartbeat').executeTakeFirstOrThrow()).heartbeat;
    for (let count = 0; count < 20; count += 1) {
      const before = await heartbeat();
      clock.advance(lease / 4);
      await until(async () => (await heartbeat()) > before);
      theirs.shiftWall(count % 2 === 0 ? 86_400_000 : -2 * 86_400_000);
      theirs.advance(lease / 4);
    }
    one.going.resolve();
    await run;
    expect(two.calls).to.deep.equal([]);
  });

  it('to one alone of those who come at once, and to none who saw it before it moved', async () => {
    const one = holding();
    const first = new SagaRunner(provider, { sagas: [one.saga] });
    const run = rejectionOf(first.run(one.saga, undefined));
    await one.begun.promise;
    const journal = new SagaJournal(asJournal(provider), systemClock);
    const [seen] = await journal.listUnfinished(['holding']);
    if (seen === undefined) throw new Error('The saga is not listed.');
    await journal.beat(seen.owner ?? '', [new SagaLease(seen.id, seen.fence, 0)]);
    expect(await journal.claim(seen, 'late')).to.equal(undefined);
    await first.close({ deadline: 0 });
    await run;
    const [free] = await journal.listUnfinished(['holding']);
    const claims = await Promise.all(['a', 'b', 'c'].map((owner) => journal.claim(free ?? seen, owner)));
    expect(claims.filter((claim) => claim !== undefined)).to.have.length(1);
    expect(await journal.beat('late', [new SagaLease(seen.id, seen.fence + 1, 0)])).to.have.length(1);
  });

  it('leaves a name that a runner does not know to those who know it', async () => {
    const one = holding();
    const first = new SagaRunner(provider, { sagas: [one.saga] });
    const run = rejectionOf(first.run(one.saga, undefined));
    await one.begun.promise;
    await first.close({ deadline: 0 });
    await run;
    const other = defineSaga({ name: 'other', steps: [{ name: 'only', run: () => 1 }] });
    await using second = new SagaRunner(provider, { sagas: [other] });
    expect(await second.resume()).to.deep.equal({ completed: 0, compensated: 0, stuck: 0, left: 0 });
    expect(await onlySaga(provider)).to.include({ status: 'running' });
  });

  it('and whoever waits for it by its key carries it on', async () => {
    const one = holding();
    const first = new SagaRunner(provider, { sagas: [one.saga] });
    const run = rejectionOf(first.run(one.saga, undefined, { idempotencyKey: 'key' }));
    await one.begun.promise;
    await first.close({ deadline: 0 });
    expect(await run).to.not.be.instanceOf(SagaFailedError);
    const two = holding();
    two.going.resolve();
    await using second = new SagaRunner(provider, { sagas: [two.saga] });
    const results = await second.run(two.saga, undefined, { idempotencyKey: 'key' });
    expect(results).to.deep.equal({ first: undefined, second: undefined });
    expect(two.calls).to.deep.equal(['second 2 second']);
  });

  /** The same database, and how often its root handle was asked for. */
  function counting(): { readonly journal: SagaProvider<SagaTestTables>; readonly asked: () => number } {
    let count = 0;
    const journal: SagaProvider<SagaTestTables> = {
      get db() {
        count += 1;
        return provider.db;
      },
      transaction: (work) => provider.transaction(work),
    };
    return { journal, asked: () => count };
  }

  for (const concurrency of [1, 2]) {
    it(`and is looked for no more often ${concurrency === 1 ? 'where there is no room' : 'behind a take-over'}`, async () => {
      const one = holding();
      const first = new SagaRunner(provider, { sagas: [one.saga] });
      const runs = [0, 1].map(() => rejectionOf(first.run(one.saga, undefined)));
      await until(() => one.calls.length === 4);
      await first.close({ deadline: 0 });
      await Promise.all(runs);
      await provider.db.updateTable('sagas').set({ owner: 'gone' }).execute();
      const two = holding();
      const clock = new FakeClock();
      const { journal, asked } = counting();
      await using second = new SagaRunner(journal, {
        sagas: [two.saga],
        clock,
        leaseDuration: lease,
        pollInterval: 250,
        concurrency,
      });
      second.start();
      await until(async () => {
        clock.advance(50);
        await provider.db.selectFrom('sagas').select('id').execute();
        return two.calls.length === concurrency;
      });
      const before = asked();
      for (let passed = 0; passed < 100; passed += 1) {
        clock.advance(1);
        await provider.db.selectFrom('sagas').select('id').execute();
      }
      const looks = asked() - before;
      two.going.resolve();
      // One look, and one heartbeat.
      expect(looks).to.be.at.most(2);
    });
  }

  it('where a heartbeat has no answer but somebody has taken it', async () => {
    const one = holding();
    const first = new SagaRunner(provider, { sagas: [one.saga] });
    const runs = [0, 1].map(() => rejectionOf(first.run(one.saga, undefined)));
    await until(() => one.calls.length === 4);
    const clock = new FakeClock();
    let looking = 0;
    class Hanging extends SagaJournal {
      override beat(): Promise<SagaLease[]> {
        return new Promise(() => {});
      }
      override async findLost(...parameters: Parameters<SagaJournal['findLost']>): Promise<SagaLease[]> {
        looking += 1;
        const lost = await super.findLost(...parameters);
        looking -= 1;
        return lost;
      }
    }
    const journal = new Hanging(asJournal(provider), clock);
    const [kept, taken] = await journal.listUnfinished(['holding']);
    if (kept === undefined || taken === undefined) throw new Error('They are not listed.');
    const owner = kept.owner ?? '';
    const heart = new SagaHeart({ journal, clock, logger: silentLogger, owner, leaseDuration: lease });
    const leases = [kept, taken].map(({ id, fence }) => new SagaLease(id, fence, clock.monotonic()));
    for (const each of leases) heart.add(each);
    await journal.claim(taken, 'another');
    for (let passed = 0; passed < 3 * lease; passed += 50) {
      clock.advance(50);
      await provider.db.selectFrom('sagas').select('id').execute();
      await until(() => looking === 0);
    }
    expect(leases.map(({ signal }) => signal.aborted)).to.deep.equal([false, true]);
    for (const each of leases) heart.remove(each);
    await first.close({ deadline: 0 });
    await Promise.all(runs);
  });
});

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'an owner whose heartbeat waits in line keeps its saga', (database) => {
    let url: string;
    let provider: SagaTestDatabase;

    beforeEach(async () => {
      url = await database.freshUrl();
      provider = openSagaDatabase(url);
      await migrateSagas(provider);
    });
    afterEach(() => provider.close());

    /** Runs a saga of one step, which is given what tells whether its heart has beaten for several leases. */
    async function run(step: (key: string, beatEnough: () => Promise<void>) => Promise<void>) {
      let asked = 0;
      const told: SagaEventType[] = [];
      const journal: SagaProvider<SagaTestTables> = {
        get db() {
          asked += 1;
          return provider.db;
        },
        transaction: (work) => provider.transaction(work),
      };
      const saga = defineSaga({
        name: 'long',
        steps: [
          {
            name: 'load',
            run: ({ idempotencyKey, signal }) =>
              step(idempotencyKey, () => {
                const before = asked;
                return until(() => asked - before >= 20 || signal.aborted);
              }),
          },
        ],
      });
      await using runner = new SagaRunner(journal, {
        sagas: [saga],
        leaseDuration: shortLease,
        onEvent: ({ type }) => told.push(type),
      });
      await runner.run(saga, undefined);
      expect(told).to.deep.equal(['started', 'step-done', 'completed']);
      expect((await onlySaga(provider)).steps[0]).to.include({ attempts: 1, crashes: 0 });
    }

    it('behind a step that is one write transaction', () =>
      run(async (key, beatEnough) => {
        await provider.transaction(async (tx) => {
          await tx.insertInto('effects').values({ key, step: 'load', calls: 1 }).execute();
          await beatEnough();
        });
      }));

    it('behind a lock of somebody else', () =>
      run(async (key, beatEnough) => {
        await using other = openSagaDatabase(url);
        await other.transaction(async (tx) => {
          await tx.updateTable('sagas').set({ note: 'read by somebody' }).execute();
          await beatEnough();
        });
        await effect(provider, key, 'load');
      }));
  });
}

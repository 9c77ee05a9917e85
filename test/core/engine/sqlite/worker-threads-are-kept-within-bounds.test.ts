import { expect } from 'chai';
import { sql } from 'kysely';
import type { Worker } from 'node:worker_threads';
import {
  ConnectionError,
  DatabaseProviderFactory,
  prepare,
  type DatabaseProvider,
  type Param,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';

describeOnDatabase('sqlite-file', 'worker threads are kept within bounds', (database) => {
  const opened: DatabaseProvider<unknown>[] = [];
  let onThread: (thread: Worker) => void = () => undefined;
  let started = 0;
  const hear = (thread: Worker) => {
    started += 1;
    onThread(thread);
  };

  before(() => process.on('worker', hear));
  after(() => process.off('worker', hear));
  beforeEach(() => {
    onThread = () => undefined;
    started = 0;
  });
  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close({ deadline: 0 }))));

  async function open(settings: object, clock?: FakeClock): Promise<DatabaseProvider<unknown>> {
    const provider = DatabaseProviderFactory.createProvider<unknown>(
      { url: await database.freshUrl(), ...settings },
      clock === undefined ? {} : { clock },
    );
    opened.push(provider);
    return provider;
  }

  it('there are never more of them than pool.max leaves room for, and what is lent is counted', async () => {
    const provider = await open({ connection: { workers: 8 }, pool: { max: 3 } });
    await Promise.all(Array.from({ length: 12 }, () => provider.query('select 1 as one')));
    expect(started).to.equal(2);
    expect(provider.stats()).to.include({ size: 3, max: 3, busy: 0, waiting: 0, longestHold: 0 });
  });

  it('a caller who gives up is free at once, and the thread serves others when it is done', async () => {
    const provider = await open({ connection: { workers: 1 }, pool: { acquireTimeout: 60_000 } });
    const count = prepare(provider, (_db, param: Param<{ limit: number }>) => countTo(param('limit')));
    await count.execute({ limit: 1 });
    const controller = new AbortController();
    let isDone = false;
    const heavy = rejectionOf(count.execute({ limit: 1_000_000 }, { signal: controller.signal }));
    await until(() => provider.stats().busy === 1);
    controller.abort(new Error('enough'));
    const next = count.execute({ limit: 2 }).then((rows) => {
      isDone = true;
      return rows;
    });
    expect(await heavy).to.have.property('message', 'enough');
    expect(isDone, 'the caller did not wait for the thread').to.equal(false);
    expect(await next).to.deep.equal([{ count: 2 }]);
    expect(started).to.equal(1);
  });

  it('and where they die as soon as they start, the next start waits', async () => {
    const clock = new FakeClock();
    const provider = await open({ connection: { workers: 1 } }, clock);
    onThread = (thread) => void thread.terminate();
    expect(await rejectionOf(provider.query('select 1'))).to.be.instanceOf(ConnectionError);
    expect(started).to.equal(1);
    onThread = () => undefined;
    const timers = clock.pending;
    const next = provider.query('select 1 as one');
    await until(() => clock.pending > timers);
    expect(started, 'before the wait is over').to.equal(1);
    clock.advance(5_000);
    expect(await next).to.deep.equal([{ one: 1 }]);
    expect(started).to.equal(2);
  });
});

/** Counts to a number, which takes SQLite some 30 ns each. */
function countTo(limit: unknown) {
  return sql<{
    count: number;
  }>`with recursive n (i) as (select 1 union all select i + 1 from n where i < ${limit}) select count(*) as count from n`;
}

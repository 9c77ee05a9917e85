import { expect } from 'chai';
import { sql } from 'kysely';
import { existsSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import {
  DatabaseProviderFactory,
  PoolClosedError,
  PoolTimeoutError,
  type DatabaseProvider,
  type PoolEvent,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';

describeOnDatabase('sqlite-file', 'connections come and go', (database) => {
  const opened: DatabaseProvider<unknown>[] = [];
  const events: PoolEvent[] = [];

  async function open(settings: object = {}, clock?: FakeClock) {
    const url = await database.freshUrl();
    const options = {
      onPoolEvent: (event: PoolEvent) => void events.push(event),
      ...(clock === undefined ? {} : { clock }),
    };
    const provider = DatabaseProviderFactory.createProvider<unknown>({ url, ...settings }, options);
    opened.push(provider);
    await provider.exec('create table notes (id integer primary key, text text)');
    return { provider, filename: url.slice('sqlite:'.length) };
  }

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((provider) => provider.close({ deadline: 0 })));
    events.length = 0;
  });

  /** Holds readers until told to let go. */
  async function holdReaders(provider: DatabaseProvider<unknown>, count: number) {
    const gate = Promise.withResolvers<void>();
    let entered = 0;
    const held = Array.from({ length: count }, () =>
      provider.transaction(
        async (tx) => {
          await sql`select count(*) from notes`.execute(tx);
          entered += 1;
          await gate.promise;
        },
        { readOnly: true },
      ),
    );
    await until(() => entered === count);
    return async () => {
      gate.resolve();
      await Promise.all(held);
    };
  }

  it('when they are idle for too long, but for pool.min', async () => {
    const clock = new FakeClock();
    const { provider } = await open({ pool: { min: 2, max: 5, idleTimeout: 1_000, maxLifetime: 0 } }, clock);
    const release = await holdReaders(provider, 4);
    expect(provider.stats()).to.include({ size: 5, busy: 4, idle: 1 });
    await release();
    clock.advance(999);
    expect(provider.stats()).to.include({ size: 5, busy: 0 });
    clock.advance(1);
    expect(provider.stats()).to.include({ size: 2, idle: 2, created: 5, retired: 3 });
    expect(events.filter(({ type }) => type === 'retired')).to.deep.equal(
      Array.from({ length: 3 }, () => ({ type: 'retired', reason: 'idle' })),
    );
    expect(clock.pending).to.equal(0);
  });

  it('when they are old, not all at once, and whatever the wall clock says', async () => {
    const clock = new FakeClock();
    const { provider } = await open({ pool: { max: 8, idleTimeout: 0, maxLifetime: 10_000 } }, clock);
    await (
      await holdReaders(provider, 7)
    )();
    clock.advance(8_999);
    expect(provider.stats().size).to.equal(8);
    const sizes = new Set<number>();
    for (let time = 0; time <= 2_001; time += 1) {
      clock.advance(1);
      sizes.add(provider.stats().size);
    }
    expect(provider.stats().size).to.equal(1);
    expect(sizes.size).to.be.greaterThan(2);
    expect(await provider.query('select count(*) as n from notes')).to.deep.equal([{ n: 0 }]);
  });

  it('and readers are lent in the order of asking, up to the deadline, the signal and the length of the line', async () => {
    const clock = new FakeClock();
    const { provider } = await open({ pool: { max: 2, acquireTimeout: 500, maxWaiting: 2 } }, clock);
    const release = await holdReaders(provider, 1);
    const order: string[] = [];
    const ask = (name: string) =>
      provider.transaction(async (tx) => order.push(await sql`select 1`.execute(tx).then(() => name)), {
        readOnly: true,
      });
    const first = ask('first');
    const second = ask('second');
    await until(() => provider.stats().waiting === 2);
    expect(await rejectionOf(ask('third'))).to.be.instanceOf(PoolTimeoutError);
    await release();
    await Promise.all([first, second]);
    expect(order).to.deep.equal(['first', 'second']);
    const again = await holdReaders(provider, 1);
    const late = rejectionOf(provider.query('select 1'));
    await until(() => provider.stats().waiting === 1);
    clock.advance(500);
    expect(await late).to.be.instanceOf(PoolTimeoutError);
    expect(events.filter(({ type }) => type === 'timeout')).to.have.lengthOf(2);
    await again();
  });

  it('and close leaves the file alone behind, its statistics in order', async () => {
    const { provider, filename } = await open();
    await provider.exec('create index notes_text on notes (text)');
    await provider.exec(
      'with recursive n (i) as (select 1 union all select i + 1 from n where i < 500) insert into notes select i, i from n',
    );
    for (let id = 0; id < 20; id += 1) await provider.query('select * from notes where text = ?', [`${id}`]);
    expect(provider.stats()).to.include({ state: 'running', size: 2 });
    const closing = provider.close();
    expect(provider.stats().state).to.equal('draining');
    await closing;
    expect(provider.stats()).to.include({ state: 'closed', size: 0 });
    expect(existsSync(`${filename}-wal`)).to.equal(false);
    expect(existsSync(`${filename}-shm`)).to.equal(false);
    expect(await rejectionOf(provider.query('select 1'))).to.be.instanceOf(PoolClosedError);
    const file = new Database(filename);
    expect(file.prepare('select count(*) from notes').pluck().get()).to.equal(500);
    file.close();
  });

  it('and close that does not wait ends streams and snapshots', async () => {
    const { provider } = await open();
    await provider.exec('insert into notes values (1, null), (2, null), (3, null)');
    const query = sql`select id from notes`.compile(provider.db);
    const stream = provider.db.getExecutor().stream(query, 1)[Symbol.asyncIterator]();
    await stream.next();
    const release = await holdReaders(provider, 1);
    await provider.close({ deadline: 0 });
    expect(await rejectionOf(stream.next())).to.be.instanceOf(PoolClosedError);
    await rejectionOf(release());
    expect(provider.stats()).to.include({ state: 'closed', size: 0, busy: 0 });
  });

  it('and the log that grew behind a long snapshot is cut back when it ends', async () => {
    const { provider, filename } = await open({ connection: { durability: 'normal' } });
    const release = await holdReaders(provider, 1);
    const size = () => statSync(`${filename}-wal`).size;
    const held = performance.now();
    await until(async () => {
      await provider.exec('insert or replace into notes values (1, hex(randomblob(3000000)))');
      return size() > 70_000_000 && performance.now() - held > 600;
    }, 15_000);
    await release();
    await until(() => size() < 64 * 1024 * 1024, 1_000);
  });
});

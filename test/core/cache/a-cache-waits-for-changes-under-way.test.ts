import { expect } from 'chai';
import { sql } from 'kysely';
import { MemoryStore, type CacheStore } from '../../../src/core/cache/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { AnyDatabase } from './any-table.ts';

describeOnDatabase('postgres', 'a cache that ends while changes are under way', (database) => {
  /** A store that notes what it is told to move, until it is closed. */
  const noting = () => {
    const moved: number[] = [];
    let isClosed = false;
    const inner = new MemoryStore();
    const store: CacheStore = {
      tier: 'noting',
      read: (question, stamp, now) => inner.read(question, stamp, now),
      store: (question, entry) => inner.store(question, entry),
      peek: (question) => inner.peek(question),
      clear: () => inner.clear(),
      stats: () => inner.stats(),
      async move(slots) {
        if (!isClosed) moved.push(...slots);
      },
      async close() {
        isClosed = true;
      },
    };
    return { store, moved };
  };
  const tables = [
    'create table t (id integer primary key, name text not null)',
    `insert into t values (1, 'old')`,
  ];
  const setUp = async (clock: FakeClock) => {
    const { store, moved } = noting();
    const logger = recordingLogger();
    const opened = await AnyDatabase.open(await database.freshUrl(), tables, { store, clock, logger });
    const isHeld = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holding = opened.provider.transaction(async (tx) => {
      await sql`select 1 from t for update`.execute(tx);
      isHeld.resolve();
      await held.promise;
    });
    await isHeld.promise;
    const rows = opened.cached('t');
    const leaving = new AbortController();
    const update = sql`update t set name = 'new' where id = 1`.compile(opened.provider.db);
    const writing = opened.provider.direct!.execute(update, { signal: leaving.signal });
    writing.catch(() => {});
    await until(async () => {
      await rows.findById(1);
      return (await opened.cache.explain('t', 1)).answer === 'uncached';
    });
    const letGo = async () => {
      held.resolve();
      await holding;
      await writing;
    };
    const leave = async () => {
      leaving.abort(new Error('the caller has left'));
      expect(await rejectionOf(writing)).to.have.property('message', 'the caller has left');
      held.resolve();
      await holding;
    };
    return { opened, moved, logger, letGo, leave };
  };
  const warning = 'a cache was closed while changes were under way: others may not be told of them';

  it('waits for them, and tells others', async () => {
    const { opened, moved, logger, letGo } = await setUp(new FakeClock());
    const closing = opened.cache.close();
    await letGo();
    await closing;
    expect(moved, 'slots').to.have.length.greaterThan(0);
    expect(logger.lines.map(({ message }) => message)).not.to.include(warning);
    await opened[Symbol.asyncDispose]();
  });

  it('tells others once more of what nobody knows the outcome of, and says so', async () => {
    const { opened, moved, logger, leave } = await setUp(new FakeClock());
    await leave();
    const once = moved.length;
    expect(once, 'slots').to.be.greaterThan(0);
    await opened.cache.close();
    expect(moved).to.deep.equal([...moved.slice(0, once), ...moved.slice(0, once)]);
    const { message } = logger.lines.at(-1)!;
    expect(message).to.equal(
      'a cache was closed while nobody knew what had become of changes: others are told of them no more',
    );
    await opened[Symbol.asyncDispose]();
  });

  it('but not for ever, and says what others may not be told of', async () => {
    const clock = new FakeClock();
    const { opened, moved, logger, letGo } = await setUp(clock);
    const closing = opened.cache.close();
    clock.advance(1_000);
    await closing;
    expect(moved, 'slots').to.deep.equal([]);
    expect(logger.lines.map(({ message }) => message)).to.include(warning);
    await letGo();
    await opened[Symbol.asyncDispose]();
  });
});

import { expect } from 'chai';
import {
  DatabaseProviderFactory,
  NestedAcquireError,
  PoolTimeoutError,
  outside,
  type DatabaseProvider,
  type PoolConfig,
  type PoolEvent,
  type ProviderOptions,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';

describeOnEachDatabase('the pool', (database) => {
  const opened: DatabaseProvider<unknown>[] = [];
  let clock: FakeClock;
  beforeEach(() => {
    clock = new FakeClock();
  });
  afterEach(async () => {
    const closed = Promise.all(opened.splice(0).map((provider) => provider.close({ deadline: 0 })));
    await clock.runUntil(closed);
    await closed;
  });

  async function open(pool: Partial<PoolConfig>, options: ProviderOptions<unknown> = {}) {
    const url = await database.freshUrl();
    const provider = DatabaseProviderFactory.createProvider<unknown>({ url, pool }, { clock, ...options });
    opened.push(provider);
    await provider.exec('create table notes (id bigint primary key)');
    return provider;
  }

  it('reports a connection that is kept, once, and where it was taken', async () => {
    const { promise: leak, resolve: hearLeak } = Promise.withResolvers<PoolEvent>();
    const leaks: PoolEvent[] = [];
    const onPoolEvent = (event: PoolEvent) => {
      if (event.type !== 'leak') return;
      leaks.push(event);
      hearLeak(event);
    };
    const provider = await open({ leakThreshold: 20_000 }, { onPoolEvent });
    async function keepConnection(): Promise<void> {
      await provider.transaction(async () => {
        clock.advance(20_000);
        const event = await leak;
        clock.advance(20_000);
        expect(event).to.have.property('heldFor').that.equals(20_000);
        expect(provider.stats().longestHold).to.equal(40_000);
        expect(provider.stats().longestHoldStack).to.contain('keepConnection');
      });
    }
    await keepConnection();
    expect(leaks).to.have.lengthOf(1);
    expect(leaks[0]).to.have.property('stack').that.contains('keepConnection');
    expect(provider.stats()).to.include({ longestHold: 0, busy: 0 });
    expect(provider.stats()).not.to.have.property('longestHoldStack');
  });

  it('refuses a transaction that would wait for itself, at once', async () => {
    const provider = await open({ max: 1, acquireTimeout: 60_000 });
    const nested = provider.transaction(async () => {
      await outside(() => provider.transaction(async () => undefined));
    });
    expect(await rejectionOf(nested)).to.be.instanceOf(NestedAcquireError);
    expect(provider.stats()).to.include({ busy: 0, waiting: 0 });
  });

  it('refuses callers = max transactions that each ask for a second connection', async () => {
    const provider = await open({ max: 4, acquireTimeout: 60_000 });
    const { promise: haveAll, resolve: haveLast } = Promise.withResolvers<void>();
    const callers = database.name === 'postgres' ? 4 : 1;
    let holders = 0;
    const errors = await Promise.all(
      Array.from({ length: callers }, () =>
        rejectionOf(
          provider.transaction(async () => {
            holders += 1;
            if (holders === callers) haveLast();
            await haveAll;
            await outside(() => provider.transaction(async () => undefined));
          }),
        ),
      ),
    );
    for (const error of errors) expect(error).to.be.instanceOf(NestedAcquireError);
    expect(provider.stats()).to.include({ busy: 0, waiting: 0 });
  });

  it('says of whoever it turns away how long they waited, and who holds', async () => {
    const events: PoolEvent[] = [];
    const onPoolEvent = (event: PoolEvent) => void events.push(event);
    const settings = { max: 1, acquireTimeout: 20_000, leakThreshold: 60_000 };
    const provider = await open(settings, { onPoolEvent });
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
    const { promise: hasBegun, resolve: begin } = Promise.withResolvers<void>();
    async function holdOn(): Promise<void> {
      await provider.transaction(() => {
        begin();
        return isOver;
      });
    }
    const holder = holdOn();
    await hasBegun;
    const outcome = rejectionOf(provider.transaction(async () => undefined));
    expect(await clock.runUntil(outcome)).to.be.within(20_000, 20_020);
    const error = (await outcome) as PoolTimeoutError;
    end();
    await holder;
    expect(error).to.be.instanceOf(PoolTimeoutError);
    expect(error.message).to.contain('1 busy, the longest held for').and.contain('holdOn');
    expect(error.stats).to.include({ busy: 1, max: 1 });
    const timeouts = events.filter((event) => event.type === 'timeout');
    expect(timeouts).to.have.lengthOf(1);
    expect(timeouts[0]).to.have.property('waited').that.is.within(20_000, 20_020);
  });

  it('lives through a listener that throws', async () => {
    const errors: string[] = [];
    const ignore = () => undefined;
    const logger = {
      debug: ignore,
      info: ignore,
      warn: ignore,
      error: (_: object, text: string) => errors.push(text),
    };
    const provider = await open(
      {},
      {
        logger,
        onPoolEvent: () => {
          throw new Error('a bug of the application');
        },
      },
    );
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    expect(errors).to.include('onPoolEvent has thrown');
  });

  it('keeps its connections and its time where the wall clock jumps', async () => {
    const hour = 3_600_000;
    const provider = await open({});
    const { created } = provider.stats();
    for (const jump of [-hour, 30 * 24 * hour, -hour]) {
      clock.shiftWall(jump);
      await provider.query('select 1 as one');
      await provider.exec('insert into notes values (?)', [clock.now()]);
      const { retired, longestHold, longestWait } = provider.stats();
      expect({ retired, longestHold }).to.deep.equal({ retired: 0, longestHold: 0 });
      expect(longestWait).to.equal(0);
    }
    // A pool may open one more for its readers, but none for a connection that it threw away.
    expect(provider.stats().created - created).to.be.at.most(1);
  });
});

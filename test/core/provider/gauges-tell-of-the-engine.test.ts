import { expect } from 'chai';
import {
  DatabaseProviderFactory,
  silentLogger,
  type DatabaseProvider,
  type EngineGauges,
  type PoolEvent,
} from '../../../src/core/index.ts';
import { fingerprint } from '../../../src/core/metrics/fingerprint.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { nodeSqliteEngine } from '../../support/node-sqlite-engine.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';

/** Counts to a number, which takes SQLite some 30 ns each. */
const countTo = (limit: number) =>
  `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${limit}) select count(*) as count from n`;

/** Far longer than a threshold of 1 ms on any machine. */
const slow = countTo(150_000);

describeOnEachDatabase('the gauges of an engine', (database) => {
  let provider: DatabaseProvider<unknown>;
  let clock: FakeClock;
  beforeEach(async () => {
    clock = new FakeClock();
    const url = await database.freshUrl();
    provider = DatabaseProviderFactory.createProvider<unknown>({ url, pool: { max: 3 } }, { clock });
    await provider.exec('create table notes (id bigint primary key)');
    if (database.name !== 'postgres') expect(await provider.gauges()).to.have.property('version');
  });
  afterEach(async () => {
    const closed = provider.close({ deadline: 0 });
    await clock.runUntil(closed);
    await closed;
  });

  it('name the version, and what the engine has', async () => {
    const { version, loop, sessions } = await provider.gauges();
    expect(version).to.match(/^\d+\.\d+/);
    expect({ loop: loop !== undefined, sessions: sessions !== undefined }).to.deep.equal({
      loop: database.name !== 'postgres',
      sessions: database.name === 'postgres',
    });
  });

  it('are read from within a transaction, and where no connection is free', async () => {
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
    const { promise: allRun, resolve: haveLast } = Promise.withResolvers<void>();
    let left = 3;
    const holders = Array.from({ length: 3 }, (_, index) =>
      provider.transaction(
        async () => {
          left -= 1;
          if (left === 0) haveLast();
          await isOver;
        },
        { readOnly: database.name === 'postgres' || index > 0 },
      ),
    );
    if (database.name !== 'sqlite-memory') await allRun;
    expect(await provider.gauges()).to.have.property('version');
    end();
    await Promise.all(holders);
    await provider.transaction(async () => {
      expect(await provider.gauges()).to.have.property('version');
    });
  });

  it('are what is left of them where the provider is closed', async () => {
    await provider.close();
    const { version, preparedStatements } = await provider.gauges();
    if (database.name === 'postgres') expect(version).to.equal(undefined);
    expect(preparedStatements).to.equal(database.name === 'postgres' ? 0 : undefined);
  });

  it('count what was lent, how long it was held, and how long others waited', async () => {
    const before = provider.stats();
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
    const { promise: hasBegun, resolve: begin } = Promise.withResolvers<void>();
    // The only writer of SQLite; on Postgres all three.
    const count = database.name === 'postgres' ? 3 : 1;
    let left = count;
    const holders = Array.from({ length: count }, () =>
      provider.transaction(async () => {
        left -= 1;
        if (left === 0) begin();
        await isOver;
      }),
    );
    await hasBegun;
    const late = provider.transaction(async () => undefined);
    const impatient = new AbortController();
    const gone = rejectionOf(provider.transaction(async () => undefined, { signal: impatient.signal }));
    while (provider.stats().waiting < 2) await Promise.resolve();
    clock.advance(7);
    impatient.abort(new Error('enough'));
    await gone;
    clock.advance(60);
    end();
    await Promise.all([...holders, late]);
    const { acquired, waits, heldTime, leaks, recentLeaks } = provider.stats();
    expect(acquired - before.acquired).to.equal(count + 1);
    expect(waits.count - before.waits.count).to.equal(2);
    expect(waits.sum - before.waits.sum).to.equal(7 + 67);
    // Up to 10 ms and up to 100 ms.
    expect(waits.counts.map((waited, at) => waited - before.waits.counts[at]!)).to.deep.equal([
      0, 0, 1, 0, 1, 0, 0, 0, 0, 0,
    ]);
    expect(heldTime - before.heldTime).to.equal(count * 67);
    expect({ leaks, recentLeaks }).to.deep.equal({ leaks: 0, recentLeaks: [] });
  });
});

describeOnEachDatabase('a leak', (database) => {
  it('is counted, and remembered with the stack that took the connection', async () => {
    const clock = new FakeClock();
    const events: PoolEvent[] = [];
    const url = await database.freshUrl();
    const provider = DatabaseProviderFactory.createProvider<unknown>(
      { url, pool: { leakThreshold: 20_000 } },
      { clock, logger: silentLogger, onPoolEvent: (event) => events.push(event) },
    );
    await provider.query('select 1 as one');
    async function keepConnection(): Promise<void> {
      await provider.transaction(async () => clock.advance(20_000));
    }
    for (let time = 0; time < 7; time += 1) await keepConnection();
    const { leaks, recentLeaks } = provider.stats();
    expect(leaks).to.equal(7);
    expect(recentLeaks).to.have.lengthOf(5);
    const told = events.filter((event) => event.type === 'leak').slice(-5);
    expect(recentLeaks.map(({ heldFor, stack }) => ({ heldFor, stack }))).to.deep.equal(
      told.map(({ heldFor, stack }) => ({ heldFor, stack })),
    );
    expect(recentLeaks[4]?.stack).to.contain('keepConnection');
    const closed = provider.close();
    await clock.runUntil(closed);
    await closed;
  });

  it('is written to the console where nobody has given a logger', async () => {
    const clock = new FakeClock();
    const url = await database.freshUrl();
    const { warn } = console;
    const lines: unknown[][] = [];
    for (const options of [{ clock }, { clock, logger: silentLogger }]) {
      const provider = DatabaseProviderFactory.createProvider<unknown>(
        { url, pool: { leakThreshold: 20_000 } },
        options,
      );
      await provider.query('select 1 as one');
      console.warn = (...line: unknown[]) => lines.push(line);
      try {
        await provider.transaction(async () => clock.advance(20_000));
      } finally {
        console.warn = warn;
      }
      const closed = provider.close();
      await clock.runUntil(closed);
      await closed;
    }
    expect(lines).to.have.lengthOf(1);
    expect(lines[0]).to.have.lengthOf(1);
    expect(lines[0]?.[0])
      .to.contain('pool.leakThreshold')
      .and.contain('"heldFor":20000')
      .and.not.contain('\n');
  });
});

describeOnDatabase('sqlite-file', 'the gauges of SQLite', (database) => {
  const opened: DatabaseProvider<unknown>[] = [];
  afterEach(async () => {
    for (const provider of opened.splice(0)) await provider.close();
  });

  async function open(connection: object, options: object = {}): Promise<DatabaseProvider<unknown>> {
    const url = await database.freshUrl();
    const provider = DatabaseProviderFactory.createProvider<unknown>({ url, connection }, options);
    opened.push(provider);
    return provider;
  }

  function warningLogger() {
    const warnings: { readonly query: string; readonly message: string }[] = [];
    const ignore = () => undefined;
    const warn = (fields: { readonly query?: string; readonly advice?: string }, message: string) => {
      const { query, advice } = fields;
      if (query !== undefined && advice !== undefined)
        warnings.push({ query, message: `${message} ${advice}` });
    };
    return { warnings, logger: { debug: ignore, info: ignore, error: ignore, warn } };
  }

  it('tell how large the file and its log are, and when the log begins anew', async () => {
    const provider = await open({});
    expect(await provider.gauges()).not.to.have.property('databaseBytes');
    await provider.exec('create table notes (text text)');
    const first = await provider.gauges();
    expect(first.wal?.bytes).to.be.greaterThan(0);
    expect(first.wal).to.include({ checkpoints: 0, checkpointTime: 0, failedCheckpoints: 0 });
    // A thousand pages of log make SQLite checkpoint; the commit behind that begins it anew.
    await provider.exec('insert into notes values (zeroblob(8000000))');
    await provider.exec('delete from notes');
    const second = await provider.gauges();
    expect(second.databaseBytes).to.be.greaterThan(8_000_000);
    expect(second.wal!.restarts!).to.be.greaterThan(first.wal!.restarts!);
  });

  it('tell who waits for the writer', async () => {
    const provider = await open({});
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
    const { promise: hasBegun, resolve: begin } = Promise.withResolvers<void>();
    const holder = provider.transaction(() => {
      begin();
      return isOver;
    });
    await hasBegun;
    const late = [1, 2].map(() => provider.transaction(async () => undefined));
    while (provider.stats().waiting < 2) await Promise.resolve();
    expect(await provider.gauges()).to.include({ writerQueue: 2 });
    end();
    await Promise.all([holder, ...late]);
    expect(await provider.gauges()).to.include({ writerQueue: 0 });
  });

  it('tell for how long statements held the event loop, and warn of one that held it long, once a minute', async () => {
    const clock = new FakeClock();
    const { logger, warnings } = warningLogger();
    const provider = await open({ loopBlockThreshold: 1 }, { logger, clock });
    await provider.query('select 1 as one');
    warnings.length = 0;
    const before = (await provider.gauges()).loop!;
    await provider.query(slow);
    const after = (await provider.gauges()).loop!;
    expect(after.held - before.held).to.be.greaterThan(1);
    expect(after.longest).to.be.greaterThan(1);
    expect(after.statements).to.be.greaterThan(before.statements);
    expect(after.blocked).to.be.greaterThan(before.blocked);
    expect(warnings.map(({ query }) => query)).to.deep.equal([fingerprint(slow).text]);
    expect(warnings[0]?.message).to.contain('connection.workers');
    await provider.query(slow);
    expect(warnings.map(({ query }) => query)).to.deep.equal([fingerprint(slow).text]);
    clock.advance(60_000);
    await provider.query(slow);
    expect(warnings.map(({ query }) => query)).to.deep.equal([
      fingerprint(slow).text,
      fingerprint(slow).text,
    ]);
    const closed = opened.pop()!.close();
    await clock.runUntil(closed);
    await closed;
  });

  it('warn of a write that held it, of a transaction, and of a chunk of a stream, without a value', async () => {
    const { logger, warnings } = warningLogger();
    const provider = await open({ loopBlockThreshold: 1 }, { logger });
    await provider.exec('create table notes (n integer, text text)');
    warnings.length = 0;
    // A value that was written into the text, what moves a cursor, and a comment without end are none of the log's.
    const odd = `'a secret value' <> '\u001b[31m' /* ${'y'.repeat(5_000)} */`;
    const write = `insert into notes select i, ? from (${slow.replace('count(*) as count', 'i')}) where ${odd}`;
    await provider.exec(write, ['a secret value']);
    await provider.transaction((tx) =>
      tx.executeQuery({ sql: slow, parameters: [], query: undefined, queryId: undefined } as never),
    );
    const named = warnings.map(({ query }) => query);
    expect(named).to.include(fingerprint(write).text).and.to.include(fingerprint(slow).text);
    expect(warnings.find(({ query }) => query === fingerprint(write).text)?.message).to.contain('fewer rows');
    expect(JSON.stringify(warnings))
      .not.to.contain('a secret value')
      .and.not.contain('yyyy')
      .and.not.contain('[31m');
  });

  it('warn of nothing where the threshold is 0, or not reached', async () => {
    for (const loopBlockThreshold of [0, 3_600_000]) {
      const { logger, warnings } = warningLogger();
      const provider = await open({ loopBlockThreshold }, { logger });
      await provider.query(slow);
      expect(warnings).to.deep.equal([]);
      expect((await provider.gauges()).loop).to.include({ blocked: 0 });
    }
  });

  it('tell of the worker threads, whose reads hold no loop', async () => {
    const provider = await open({ workers: 2, loopBlockThreshold: 0 }, { logger: silentLogger });
    await provider.exec('create table notes (id integer)');
    const before = (await provider.gauges()).loop!;
    const running = provider.query(countTo(1_000_000));
    await until(async () => (await provider.gauges()).workers?.busy === 1);
    await running;
    const { workers, loop } = await provider.gauges();
    expect(workers).to.deep.equal({ size: 1, busy: 0, max: 2 });
    expect(loop!.statements).to.equal(before.statements);
  });
});

describe('the gauges of an engine of the application', () => {
  const open = (gauges: (() => Promise<EngineGauges>) | undefined) => {
    const engine: typeof nodeSqliteEngine = {
      ...nodeSqliteEngine,
      open: (config, context) => ({
        ...nodeSqliteEngine.open(config, context),
        ...(gauges !== undefined && { gauges }),
      }),
    };
    return DatabaseProviderFactory.createProvider<unknown>('node-sqlite::memory:', { engines: [engine] });
  };

  it('are what it tells, nothing where it tells nothing, and nothing where it fails', async () => {
    const told: (() => Promise<EngineGauges>)[] = [
      async () => ({ version: '1' }),
      () => Promise.reject(new Error('down')),
      () => {
        throw new Error('down');
      },
    ];
    const read: EngineGauges[] = [];
    for (const gauges of [...told, undefined]) {
      await using provider = open(gauges);
      read.push(await provider.gauges());
    }
    expect(read).to.deep.equal([{ version: '1' }, {}, {}, {}]);
  });
});

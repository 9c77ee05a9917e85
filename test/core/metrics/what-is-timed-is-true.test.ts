import { expect } from 'chai';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { tracingChannel } from 'node:diagnostics_channel';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import type { DatabaseConfig } from '../../../src/core/config/database-config.ts';
import type { SqliteConnection } from '../../../src/core/config/sqlite-config.ts';
import { sqliteEngine } from '../../../src/core/engine/sqlite/sqlite-engine.ts';
import { systemClock } from '../../../src/core/foundation/clock.ts';
import { createHttpEndpoint } from '../../../src/core/foundation/http-endpoint.ts';
import { silentLogger } from '../../../src/core/foundation/logger.ts';
import { silentPoolListener } from '../../../src/core/foundation/pool-event.ts';
import type { StatementEvent } from '../../../src/core/foundation/statement-event.ts';
import type { TransactionTrace } from '../../../src/core/foundation/tracing-channels.ts';
import { createHealth } from '../../../src/core/health/index.ts';
import { poolCheck } from '../../../src/core/health/checks/pool-check.ts';
import { ParameterRedaction } from '../../../src/core/metrics/redacted-parameters.ts';
import { SlowQueryLog } from '../../../src/core/metrics/slow-query-log.ts';
import { DatabaseProviderFactory } from '../../../src/core/provider/database-provider-factory.ts';
import { prepare, type Param } from '../../../src/core/query/prepared-query.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { PoolStats } from '../../../src/core/foundation/pool-stats.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

describeOnEachDatabase('what is timed is true', (database) => {
  it('of a transaction that waits for its connection', async () => {
    const clock = new FakeClock();
    const provider = DatabaseProviderFactory.createProvider<unknown>(
      { url: await database.freshUrl(), pool: { max: 1 } },
      { clock },
    );
    await provider.query('select 1 as one');
    const waits: number[] = [];
    const channel = tracingChannel<unknown, TransactionTrace>('liminal:transaction');
    const subscribers = { asyncEnd: ({ wait }: TransactionTrace) => void waits.push(wait) } as never;
    channel.subscribe(subscribers);
    try {
      const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
      const { promise: hasBegun, resolve: begin } = Promise.withResolvers<void>();
      const holder = provider.transaction(() => {
        begin();
        return isOver;
      });
      await hasBegun;
      const late = provider.transaction(async () => undefined);
      while (provider.stats().waiting < 1) await Promise.resolve();
      clock.advance(70);
      end();
      await Promise.all([holder, late]);
    } finally {
      channel.unsubscribe(subscribers);
    }
    expect(waits).to.deep.equal([0, 70]);
    const closed = provider.close();
    await clock.runUntil(closed);
    await closed;
  });

  it('of health that hangs, which is not begun anew from within transactions', async () => {
    const clock = new FakeClock();
    await using provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
    let begun = 0;
    const hang = { name: 'hang', run: () => new Promise<never>(() => (begun += 1)) };
    const health = createHealth(provider, {
      clock,
      timeout: 60_000,
      checks: [hang],
      budgets: { latency: false, disk: false, log: false, clock: false, replicas: false },
    });
    for (let time = 0; time < 3; time += 1) {
      await provider.transaction(async () => {
        const report = health.ready();
        await clock.runUntil(report);
        expect((await report).checks.find(({ name }) => name === 'hang')?.message).to.match(/no answer/);
      });
    }
    expect(begun).to.equal(1);
  });
});

describeOnDatabase('postgres', 'the wait of an insert in a group', (database) => {
  it('ends where the group has its connection', async () => {
    const heard: StatementEvent[] = [];
    await using provider = DatabaseProviderFactory.createProvider<{ notes: { id: number } }>(
      await database.freshUrl(),
      {
        onStatement: (event) => void heard.push(event),
      },
    );
    await provider.exec('create table notes (id integer, slept text default pg_sleep(0.002)::text)');
    const insert = prepare(provider, (db, param: Param<{ id: number }>) =>
      db.insertInto('notes').values({ id: param('id') }),
    );
    await insert.execute({ id: 0 });
    heard.length = 0;
    const ids = Array.from({ length: 6 }, (_, id) => id);
    await Promise.all(ids.map((id) => insert.execute({ id })));
    expect(heard).to.have.length(6);
    for (const { duration, wait } of heard) expect(duration - wait).to.be.at.least(2);
    expect(heard.some(({ wait }) => wait > 0)).to.equal(true);
  });
});

describeOnDatabase('sqlite-file', 'SQLite', (database) => {
  it('is said to hold the loop for no time in which a connection was opened', async () => {
    const logger = recordingLogger();
    await using provider = DatabaseProviderFactory.createProvider<unknown>(
      { url: await database.freshUrl(), connection: { loopBlockThreshold: 150 } },
      { logger },
    );
    const reads = Array.from({ length: 3 }, () => provider.query('select 1 as one'));
    const until = performance.now() + 200;
    while (performance.now() < until);
    await Promise.all(reads);
    expect(logger.lines.filter(({ fields }) => 'held' in fields)).to.deep.equal([]);
  });

  it('explains nothing on the event loop where threads run the reads', async () => {
    const filename = (await database.freshUrl()).slice('sqlite:'.length);
    const context = { clock: systemClock, logger: silentLogger, onPoolEvent: silentPoolListener };
    for (const workers of [0, 1]) {
      const config = parseDatabaseConfig({ type: 'sqlite', connection: { filename, workers } });
      const engine = sqliteEngine.open(config as DatabaseConfig<'sqlite', SqliteConnection>, context);
      expect(engine.explain === undefined).to.equal(workers > 0);
      await engine.close(0);
    }
  });

  it('keeps its locks on the file while it is examined', async function () {
    if (!existsSync('/proc/locks')) return this.skip();
    const url = await database.freshUrl();
    await using provider = DatabaseProviderFactory.createProvider<unknown>(url);
    await provider.exec('create table notes (id integer)');
    await provider.query('select * from notes');
    const { ino } = statSync(url.slice('sqlite:'.length));
    const locks = () =>
      readFileSync('/proc/locks', 'utf8')
        .split('\n')
        .filter((line) => line.includes(`:${ino} `)).length;
    const before = locks();
    expect(before).to.be.greaterThan(0);
    expect((await provider.examine()).map(({ status }) => status)).to.not.include('unhealthy');
    expect(locks()).to.equal(before);
  });

  it('counts as lent what is held, in memory as well', async () => {
    for (const url of [await database.freshUrl(), 'sqlite::memory:']) {
      await using provider = DatabaseProviderFactory.createProvider<unknown>(url);
      await provider.exec('create table notes (id integer)');
      await provider.query('select * from notes');
      const { acquired } = provider.stats();
      for (let time = 0; time < 10; time += 1) await provider.query('select * from notes');
      expect(provider.stats().acquired).to.equal(acquired);
      await provider.transaction(async () => undefined);
      expect(provider.stats().acquired).to.equal(acquired + 1);
    }
  });
});

describe('what only waited', () => {
  it('is told where somebody has given a logger, and not on the console', () => {
    for (const tellsWaits of [false, true]) {
      const logger = recordingLogger();
      const log = new SlowQueryLog(100, {
        logger,
        redaction: new ParameterRedaction(),
        plans: undefined,
        tellsWaits,
      });
      log.hear({ sql: 'select 1', duration: 200, wait: 150, kind: 'single' });
      expect(logger.lines.map(({ message }) => message)).to.deep.equal(
        tellsWaits ? ['query waited long'] : [],
      );
      log.hear({ sql: 'select 1', duration: 200, wait: 50, kind: 'single' });
      expect(logger.lines.at(-1)?.message).to.equal('slow query');
    }
  });
});

describe('a look beside the others', () => {
  it('leaves those who were turned away for the next one', async () => {
    let timeouts = 0;
    const check = poolCheck(() => ({ busy: 0, waiting: 0, max: 1, timeouts }) as PoolStats, {});
    timeouts = 1;
    const { signal } = new AbortController();
    const statuses = [];
    const looks = [() => check.peek?.(signal), () => check.run(signal), () => check.run(signal)];
    for (const look of looks) statuses.push((await look())?.status);
    expect(statuses).to.deep.equal(['degraded', 'degraded', 'healthy']);
  });
});

describe('a response that takes no answer any more', () => {
  it('is left alone', async () => {
    const ended = Promise.withResolvers<void>();
    const endpoint = createHttpEndpoint(() => async () => ({
      status: 200,
      contentType: 'text/plain',
      body: '',
    }));
    endpoint(
      { method: 'GET', url: '/' },
      {
        statusCode: 200,
        setHeader() {
          ended.resolve();
          throw new Error('gone');
        },
        end() {},
      },
    );
    await ended.promise;
    await new Promise((resolve) => setImmediate(resolve));
  });
});

import { expect } from 'chai';
import { setImmediate as turn } from 'node:timers/promises';
import { CompiledQuery } from 'kysely';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../../src/core/index.ts';
import {
  createHealth,
  type CheckResult,
  type HealthCheck,
  type HealthOptions,
  type ReadyReport,
} from '../../../src/core/health/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';

const find = ({ checks }: ReadyReport, wanted: string): CheckResult =>
  checks.find(({ name }) => name === wanted)!;
const hour = 3_600_000;

describeOnDatabase('postgres', 'a sick database is told of', (database) => {
  let clock: FakeClock;
  let proxy: TcpProxy;
  let provider: DatabaseProvider<unknown>;
  let statements: string[];

  beforeEach(async () => {
    clock = new FakeClock(Date.now());
    statements = [];
    const url = await database.freshUrl();
    proxy = await TcpProxy.listen(url);
    provider = DatabaseProviderFactory.createProvider<unknown>(
      { url: proxy.urlOf(url), pool: { max: 2 } },
      { onStatement: ({ sql }) => void statements.push(sql) },
    );
  });
  afterEach(async () => {
    proxy.heal();
    await provider.close({ deadline: 0 });
    await proxy.close();
  });

  const make = (options: HealthOptions = {}) =>
    createHealth(provider, {
      clock,
      maxAge: 0,
      ...options,
      budgets: { latency: { degraded: 60_000 }, clock: false, replicas: false, ...options.budgets },
    });

  it('that is down, without its host, and with it in the detail', async () => {
    const health = make();
    expect((await health.ready()).status).to.equal('healthy');
    await proxy.close();
    // The first look finds the connection lost, the next one that none can be made.
    expect((await health.ready()).status).to.equal('unhealthy');
    const report = await health.ready();
    expect(report.status).to.equal('unhealthy');
    const { message, detail } = find(report, 'latency');
    expect(message).to.match(/^It failed \(LIMINAL_[A-Z_]+\)\.$/);
    expect(detail).to.include('127.0.0.1');
    expect(health.live().status).to.equal('healthy');
  });

  it('that hangs, at the limit of the check, while others are not held up, and is asked once alone', async () => {
    await provider.query('select 1');
    proxy.fallSilent();
    const own: number[] = [];
    const health = make({ checks: [{ name: 'own', run: () => void own.push(clock.monotonic()) }] });
    const start = clock.monotonic();
    const first = health.ready();
    const shared = [health.ready(), health.ready()];
    await clock.runUntil(first, { step: 500 });
    const report = await first;
    expect(await Promise.all(shared)).to.deep.equal([report, report]);
    expect(report.status).to.equal('unhealthy');
    expect(find(report, 'latency').message).to.equal('There is no answer after 2000 ms.');
    expect(find(report, 'own')).to.include({ status: 'healthy', duration: 0 });
    expect(own).to.deep.equal([start]);
    const busy = provider.stats().busy;
    for (let look = 0; look < 4; look += 1) {
      const again = health.ready();
      await clock.runUntil(again, { step: 500 });
      expect(find(await again, 'latency').message).to.match(/no answer after [4-9]\d{3}|1\d{4} ms/);
    }
    expect(provider.stats().busy, 'connections that the checks hold').to.equal(busy);
    proxy.heal();
    await until(async () => {
      const look = health.ready();
      await clock.runUntil(look, { step: 1 });
      return (await look).status === 'healthy';
    });
  });

  it('whose pool is full: pressure and latency both', async () => {
    const hold = Promise.withResolvers<void>();
    const holders = [1, 2].map(() =>
      provider.db.connection().execute(async (connection) => {
        await connection.executeQuery(CompiledQuery.raw('select 1'));
        await hold.promise;
      }),
    );
    await until(() => provider.stats().busy === 2);
    const waiters = [1, 2, 3].map(() => provider.query('select 2'));
    await turn();
    const health = make({ budgets: { pool: { degraded: 1, unhealthy: 2 } } });
    const look = health.ready();
    await clock.runUntil(look, { step: 500 });
    const report = await look;
    expect(find(report, 'pool')).to.include({ status: 'unhealthy' });
    expect(find(report, 'latency')).to.include({ status: 'unhealthy' });
    hold.resolve();
    await Promise.all([...holders, ...waiters]);
  });

  it('that has turned callers away since the last look, once', async () => {
    const health = make();
    await health.ready();
    const hold = Promise.withResolvers<void>();
    const small = DatabaseProviderFactory.createProvider<unknown>({
      url: await database.freshUrl(),
      pool: { max: 1, maxWaiting: 0 },
    });
    const ofSmall = createHealth(small, { clock, maxAge: 0, budgets: { latency: false, clock: false } });
    await ofSmall.ready();
    const began = Promise.withResolvers<void>();
    const holder = small.transaction(async () => {
      began.resolve();
      await hold.promise;
    });
    await began.promise;
    await small
      .transaction(async () => {})
      .then(
        () => expect.fail('It was to be turned away.'),
        () => {},
      );
    hold.resolve();
    await holder;
    const report = await ofSmall.ready();
    expect(find(report, 'pool').status).to.equal('degraded');
    expect(find(report, 'pool').message).to.match(/1 were turned away/);
    expect(find(await ofSmall.ready(), 'pool').status).to.equal('healthy');
    await small.close();
  });

  it('whose clock is elsewhere', async () => {
    const budgets = { clock: { degraded: hour / 2, unhealthy: 10 * hour } };
    const health = make({ budgets });
    expect(find(await health.ready(), 'clock').status).to.equal('healthy');
    clock.shiftWall(-hour);
    const behind = find(await health.ready(), 'clock');
    expect(behind.status).to.equal('degraded');
    expect(behind.value).to.be.within(0.9 * hour, 1.1 * hour);
    clock.shiftWall(21 * hour);
    expect(find(await health.ready(), 'clock').status).to.equal('unhealthy');
  });
});

describeOnDatabase('sqlite-memory', 'a check of the application', (database) => {
  let clock: FakeClock;
  let provider: DatabaseProvider<unknown>;
  const budgets = { latency: false } as const;

  beforeEach(async () => {
    clock = new FakeClock();
    provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
  });
  afterEach(() => provider.close());

  const look = async (check: HealthCheck['run'], more: HealthOptions = {}): Promise<CheckResult> => {
    const health = createHealth(provider, { clock, budgets, checks: [{ name: 'own', run: check }], ...more });
    return find(await health.ready(), 'own');
  };

  it('is judged by what it returns', async () => {
    expect(await look(() => {})).to.include({ status: 'healthy', message: 'All is well.' });
    expect(await look(() => ({ status: 'degraded' }))).to.include({ status: 'degraded' });
    const budget = { degraded: 1, unhealthy: 2 };
    const statuses = [];
    for (const value of [1, 1.5, 2.5, Number.NaN]) {
      statuses.push((await look(() => Promise.resolve({ value, budget }))).status);
    }
    expect(statuses).to.deep.equal(['healthy', 'degraded', 'unhealthy', 'unhealthy']);
    expect((await look(() => ({ status: 'fine' as 'healthy' }))).status).to.equal('unhealthy');
  });

  it('tells nothing of what it has thrown but its name, and tells the logger, once an outage', async () => {
    const heard: unknown[] = [];
    const hear = (fields: object) => void heard.push(fields);
    const logger = { debug: hear, info: hear, warn: hear, error: hear };
    let isWell = false;
    const run = () => {
      if (!isWell) throw new RangeError('postgres://me:secret@host');
    };
    const checks = [{ name: 'own', run }];
    const health = createHealth(provider, { clock, budgets, logger, maxAge: 0, checks });
    const report = await health.ready();
    expect(JSON.stringify(report)).to.include('It failed (RangeError).').and.not.include('secret');
    await health.ready();
    expect(heard).to.have.length(1);
    isWell = true;
    await health.ready();
    isWell = false;
    await health.ready();
    expect(heard).to.have.length(2);
  });

  it('that hangs is aborted at its own limit, not begun again while it hangs, and left to itself at last', async () => {
    const signals: AbortSignal[] = [];
    const run = (signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<void>(() => {});
    };
    const checks = [{ name: 'own', run, timeout: 100 }];
    const health = createHealth(provider, { clock, budgets, maxAge: 0, checks });
    for (let second = 0; second < 9; second += 1) {
      const report = health.ready();
      await clock.runUntil(report, { step: 100 });
      expect(find(await report, 'own').status).to.equal('unhealthy');
    }
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true]);
    clock.advance(1_000);
    await clock.runUntil(health.ready(), { step: 100 });
    expect(signals).to.have.length(2);
    expect(clock.pending, 'timers that are left behind').to.equal(0);
  });

  it('that hangs inside of a transaction ends at its limit as well', async () => {
    const checks = [{ name: 'own', run: () => new Promise<void>(() => {}) }];
    const health = createHealth(provider, { clock, budgets, checks });
    const work = provider.transaction(() => health.ready());
    await clock.runUntil(work, { step: 500 });
    expect(find(await work, 'own').status).to.equal('unhealthy');
  });
});

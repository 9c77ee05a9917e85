import { expect } from 'chai';
import { setImmediate as turn } from 'node:timers/promises';
import { DatabaseProviderFactory, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import {
  createHealth,
  type Health,
  type HealthOptions,
  type HealthStatus,
  type ReadyReport,
} from '../../../src/core/health/index.ts';
import { Migrator } from '../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { countingGuard, notes } from './notes-set.ts';

type Tables = { notes: { id: number } };

const statusesOf = ({ checks }: ReadyReport): Record<string, HealthStatus> =>
  Object.fromEntries(checks.map(({ name, status }) => [name, status]));
/** Far from any figure that a busy machine has. */
const wide = { latency: { degraded: 60_000 }, disk: { degraded: 1 } };

describeOnEachDatabase('ready tells of the database', (database) => {
  let clock: FakeClock;
  let provider: DatabaseProvider<Tables>;
  let statements: number;

  beforeEach(() => {
    clock = new FakeClock(Date.now());
    statements = 0;
  });
  afterEach(() => provider.close());

  const open = async (options: HealthOptions = {}, pool: object = {}): Promise<Health> => {
    provider = DatabaseProviderFactory.createProvider<Tables>(
      { url: await database.freshUrl(), pool },
      { onStatement: () => void (statements += 1) },
    );
    const budgets = { ...wide, ...options.budgets };
    return createHealth(provider, { clock, ...options, budgets });
  };

  it('as healthy, with a figure and a budget for each check', async () => {
    const health = await open();
    const report = await health.ready();
    expect(report.status, JSON.stringify(report)).to.equal('healthy');
    const names = {
      'sqlite-file': ['pool', 'latency', 'disk', 'log'],
      'sqlite-memory': ['pool', 'latency', 'replicas'],
      postgres: ['pool', 'latency', 'replicas', 'clock'],
    }[database.name];
    expect(report.checks.map(({ name }) => name)).to.deep.equal(names);
    for (const { name, value, budget } of report.checks) {
      if (name === 'replicas') continue;
      expect(value, name).to.be.a('number');
      expect(budget, name).to.be.an('object');
    }
    expect(report.checkedAt).to.equal(clock.now());
  });

  it('by its worst check, where a budget is exceeded', async () => {
    const degraded = await (await open({ budgets: { latency: { degraded: 0 } } })).ready();
    expect(degraded.status).to.equal('degraded');
    await provider.close();
    const unhealthy = await (await open({ budgets: { latency: { degraded: 0, unhealthy: 0 } } })).ready();
    // The clock of health stands still, the one of the provider measures.
    expect(statusesOf(unhealthy)).to.include({ latency: 'unhealthy', pool: 'healthy' });
    expect(unhealthy.status).to.equal('unhealthy');
  });

  it('with one look for all who ask at the same time, and for a while behind', async () => {
    let runs = 0;
    const health = await open({ checks: [{ name: 'own', run: () => void (runs += 1) }] });
    const reports = await Promise.all(Array.from({ length: 50 }, () => health.ready()));
    expect(new Set(reports).size).to.equal(1);
    const statementsOfOne = statements;
    clock.advance(999);
    expect(await health.ready()).to.equal(reports[0]);
    expect({ runs, statements }).to.deep.equal({ runs: 1, statements: statementsOfOne });
    clock.advance(1);
    expect(await health.ready()).not.to.equal(reports[0]);
    expect({ runs, statements }).to.deep.equal({ runs: 2, statements: 2 * statementsOfOne });
  });

  it('inside of a transaction that holds the only connection, without waiting for it', async () => {
    const health = await open({ schema: countingGuard(clock) }, { max: 1 });
    const report = await provider.transaction(async () => health.ready());
    const { message } = report.checks.find(({ name }) => name === 'latency')!;
    if (database.name !== 'sqlite-file') expect(message).to.match(/not asked/);
    expect(statusesOf(report)).to.include({ latency: 'healthy' });
  });

  it('inside of a transaction, also where somebody outside waits for that transaction', async () => {
    const health = await open({ checks: [] }, { max: 1 });
    const hold = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const work = provider.transaction(async () => {
      began.resolve();
      await hold.promise;
      return health.ready();
    });
    await began.promise;
    const outside = health.ready();
    await turn();
    hold.resolve();
    expect(statusesOf(await work)).to.include({ latency: 'healthy' });
    expect(statusesOf(await outside)).to.include({ latency: 'healthy' });
  });

  it('as unhealthy where migrations are pending, and looks again until they are not', async () => {
    const schema = countingGuard(clock);
    const health = await open({ schema, maxAge: 0 });
    const pending = await health.ready();
    expect(statusesOf(pending)).to.include({ schema: 'unhealthy' });
    const { message, detail } = pending.checks.find(({ name }) => name === 'schema')!;
    expect(message).to.equal('Migrations are pending.');
    expect(detail).to.include('0001-notes');
    await new Migrator(provider, notes).latest();
    expect(statusesOf(await health.ready())).to.include({ schema: 'healthy' });
    expect(schema.looks).to.equal(2);
    // It is dear: what was found sound holds for a while.
    await health.ready();
    clock.advance(59_999);
    await health.ready();
    expect(schema.looks).to.equal(2);
    clock.advance(1);
    await health.ready();
    expect(schema.looks).to.equal(3);
  });

  it('as degraded where the schema is not what its migrations left', async () => {
    const schema = countingGuard(clock);
    const health = await open({ schema, maxAge: 0, schemaMaxAge: 1_000 });
    await new Migrator(provider, notes).latest();
    await provider.exec('alter table notes add column stray integer');
    const report = await health.ready();
    expect(statusesOf(report)).to.include({ schema: 'degraded' });
    expect(report.checks.find(({ name }) => name === 'schema')?.detail).to.include('stray');
    await health.ready();
    expect(schema.looks).to.equal(1);
  });

  it('as pressed where callers wait for a connection', async () => {
    const budgets = { pool: { degraded: 2, unhealthy: 3 }, latency: false, clock: false } as const;
    const health = await open({ budgets, maxAge: 0 }, { max: 1, acquireTimeout: 60_000 });
    await provider.exec('create table notes (id integer)');
    const hold = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const holder = provider.transaction(async (tx) => {
      await tx.insertInto('notes').values({ id: 1 }).execute();
      began.resolve();
      await hold.promise;
    });
    await began.promise;
    const { max } = provider.stats();
    const waiters = Array.from({ length: 3 * max }, () =>
      provider.transaction(async (tx) => tx.insertInto('notes').values({ id: 2 }).execute()),
    );
    await turn();
    const { checks } = await health.ready();
    const { status, value, message } = checks.find(({ name }) => name === 'pool')!;
    expect(status).to.equal(
      provider.stats().waiting + provider.stats().busy > 3 * max ? 'unhealthy' : 'degraded',
    );
    expect(value).to.be.greaterThan(2);
    expect(message).to.match(/callers wait/);
    hold.resolve();
    await Promise.all([holder, ...waiters]);
    expect(statusesOf(await health.ready())).to.include({ pool: 'healthy' });
  });

  it('as unhealthy once its closing has begun, while the process lives', async () => {
    const health = await open();
    expect((await health.ready()).status).to.equal('healthy');
    const hold = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const work = provider.transaction(async () => {
      began.resolve();
      await hold.promise;
    });
    await began.promise;
    const closing = provider.close();
    const report = await health.ready();
    expect(statusesOf(report)).to.deep.equal({ closing: 'unhealthy' });
    expect(health.live().status).to.equal('healthy');
    hold.resolve();
    await Promise.all([work, closing]);
    expect((await health.ready()).status).to.equal('unhealthy');
  });

  it('and is alive without asking the database', async () => {
    const health = await open();
    clock.advance(5_000);
    expect(health.live()).to.deep.equal({ status: 'healthy', uptime: 5_000 });
    expect(statements).to.equal(0);
    expect(provider.stats().created).to.equal(0);
  });

  it('and refuses options that are none, all faults at once', async () => {
    await open();
    const faulty = {
      budgets: {
        latency: { degraded: 5, unhealthy: 1 },
        disk: { degraded: 1, unhealthy: 5 },
        nonsense: {},
        log: 7,
      },
      timeout: 0,
      maxAge: -1,
      schemaMaxAge: 0.5,
      checks: [{ name: 'Own', run: () => {} }, { name: 'pool', run: () => {} }, {}],
    } as unknown as HealthOptions;
    let issues: ValidationError['issues'] = [];
    try {
      createHealth(provider, faulty);
    } catch (error) {
      if (error instanceof ValidationError) issues = error.issues;
    }
    expect(issues.map(({ path }) => path.join('.'))).to.have.members([
      'budgets.latency.degraded',
      'budgets.disk.degraded',
      'budgets.nonsense',
      'budgets.log',
      'timeout',
      'maxAge',
      'schemaMaxAge',
      'checks.0.name',
      'checks.1.name',
      'checks.2',
    ]);
  });
});

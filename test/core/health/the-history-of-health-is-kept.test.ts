import { expect } from 'chai';
import fc from 'fast-check';
import { DatabaseProviderFactory, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { createUuidSource } from '../../../src/core/domain/index.ts';
import {
  createHealth,
  createHealthHistory,
  healthMigrations,
  type HealthHistory,
  type HealthHistoryOptions,
  type HealthRecord,
  type HealthStatus,
  type ReadyReport,
} from '../../../src/core/health/index.ts';
import { Migrator } from '../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { FakeClock } from '../../support/fake-clock.ts';

interface Tables {
  health_checks: {
    id: string;
    check_type: string;
    status: string;
    checked_at: number;
  };
}

const minute = 60_000;
const statuses: readonly HealthStatus[] = ['healthy', 'degraded', 'unhealthy'];

describeOnEachDatabase('the history of health is kept', function (database) {
  let clock: FakeClock;
  let provider: DatabaseProvider<Tables>;
  let deletions = 0;

  beforeEach(async () => {
    clock = new FakeClock();
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl(), {
      onStatement: ({ sql }) => void (deletions += Number(/^delete/i.test(sql))),
    });
  });
  afterEach(() => provider.close());

  const open = async (options: HealthHistoryOptions = {}): Promise<HealthHistory> => {
    await new Migrator(provider, healthMigrations).latest();
    return createHealthHistory(provider, { clock, ...options });
  };
  const report = (status: HealthStatus, message = 'It is so.'): ReadyReport => ({
    status,
    checkedAt: clock.now(),
    checks: [{ name: 'own', status, message, duration: 1.4 }],
  });
  const readAll = async (history: HealthHistory, check = 'own'): Promise<HealthRecord[]> => {
    const all: HealthRecord[] = [];
    let after: string | undefined;
    do {
      const page = await history.page({ check, limit: 2, after });
      all.push(...page.items);
      after = page.nextCursor;
    } while (after !== undefined);
    return all;
  };

  it('by every change, and by what stays once an interval, as a model does', async () => {
    const history = await open({ interval: minute });
    const step = fc.record({
      status: fc.constantFrom(...statuses),
      pause: fc.integer({ min: 1, max: minute }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        await provider.exec('delete from health_checks');
        const fresh = createHealthHistory(provider, { clock, interval: minute });
        const expected: (readonly [HealthStatus, number])[] = [];
        for (const { status, pause } of steps) {
          clock.advance(pause);
          fresh.record(report(status));
          const last = expected.at(-1);
          if (last?.[0] !== status || clock.now() - last[1] >= minute) expected.push([status, clock.now()]);
        }
        await fresh.flush();
        const found = (await readAll(history)).map((each) => [each.status, each.checkedAt] as const);
        expect(found.reverse()).to.deep.equal(expected);
      }),
      { numRuns: soakCount(200) },
    );
  });

  it('of all together and of each check, with its message and its time', async () => {
    const history = await open();
    history.record(report('degraded', 'A\u0000b\ud800 c'));
    await history.flush();
    const { items } = await history.page();
    expect(items.map(({ check }) => check).sort()).to.deep.equal(['own', 'ready']);
    const [own] = await readAll(history);
    expect(own).to.include({ check: 'own', status: 'degraded', duration: 1, checkedAt: clock.now() });
    expect(own?.message).to.equal('A\\u0000b\ufffd c');
    const [ready] = await readAll(history, 'ready');
    expect(ready).to.include({ status: 'degraded', message: null, duration: null });
  });

  it('also of the time in which the database took nothing', async () => {
    // The table is not there yet, which is as good as a database that is not.
    const heard: string[] = [];
    const hear = (_: object, message: string) => void heard.push(message);
    const logger = { debug: hear, info: hear, warn: hear, error: hear };
    const history = createHealthHistory(provider, { clock, logger });
    for (const status of ['healthy', 'unhealthy', 'healthy'] as const) {
      clock.advance(1_000);
      history.record(report(status));
      await history.flush();
    }
    expect(heard.length).to.equal(1);
    await open();
    clock.advance(minute);
    history.record(report('healthy'));
    await history.flush();
    const found = (await readAll(history)).map(({ status }) => status);
    expect(found).to.deep.equal(['healthy', 'healthy', 'unhealthy', 'healthy']);
    expect(heard.length).to.equal(1);
  });

  it('and what waits for the database is bounded', async () => {
    const history = createHealthHistory(provider, { clock, interval: 0 });
    for (let turn = 0; turn < 1_500; turn += 1) {
      clock.advance(1);
      history.record(report('unhealthy', String(turn)));
    }
    await history.flush();
    await open();
    clock.advance(1);
    history.record(report('healthy'));
    await history.flush();
    const rows = await provider.query<{ n: number }>('select count(*) as n from health_checks');
    expect(Number(rows[0]?.n)).to.equal(1_000);
    expect((await history.page({ check: 'own', limit: 1 })).items[0]?.status).to.equal('healthy');
  });

  it('no longer than it is told, by rows of each check and by age, whatever the check', async () => {
    const history = await open({ interval: 0, retention: { rows: 20, age: 60 * minute } });
    history.record({ ...report('healthy'), checks: [{ ...report('healthy').checks[0]!, name: 'gone' }] });
    await history.flush();
    clock.advance(61 * minute);
    for (let turn = 0; turn < 100; turn += 1) {
      clock.advance(1);
      history.record(report('healthy'));
      if (turn % 10 === 0) await history.flush();
    }
    await history.flush();
    expect(await readAll(history, 'gone')).to.deep.equal([]);
    // It is made shorter behind each 100 new rows, of which each report has two.
    expect((await readAll(history)).length).to.be.within(20, 70);
    const newest = (await readAll(history))[0];
    expect(newest?.checkedAt).to.equal(clock.now());
  });

  it('in small portions, also where there is much to delete', async () => {
    const history = await open({ retention: { rows: 10 } });
    const newId = createUuidSource(clock);
    const old = Array.from({ length: 1_700 }, (_, at) => ({
      id: newId(),
      check_type: 'own',
      status: 'healthy',
      checked_at: clock.now() - at,
    }));
    await provider.db.insertInto('health_checks').values(old).execute();
    deletions = 0;
    clock.advance(1_000);
    history.record(report('unhealthy'));
    await history.flush();
    const rows = await readAll(history);
    expect(rows.length).to.equal(10);
    expect(rows[0]?.status).to.equal('unhealthy');
    expect(deletions).to.be.at.least(4);
  });

  it('behind the call, outside of the transaction around it, and never fails a check', async () => {
    const history = await open();
    const health = createHealth(provider, { clock, history, budgets: { clock: false } });
    const failing = createHealth(provider, {
      history: {
        record() {
          throw new Error('no');
        },
      },
    });
    expect((await failing.ready()).checks.length).to.be.greaterThan(1);
    await provider
      .transaction(async () => {
        history.record(report('healthy'));
        await history.flush();
        throw new Error('undone');
      })
      .catch(() => {});
    clock.advance(minute);
    await health.ready();
    history.record(report('healthy'));
    await history.flush();
    // In memory and on SQLite it waited for the transaction to be over; it is not a part of what was undone.
    expect((await readAll(history)).length).to.equal(2);
    expect((await readAll(history, 'latency')).length).to.equal(1);
  });

  it('and refuses options that are none', () => {
    const faulty = { retention: { rows: 0, age: 1 }, interval: 0.5 };
    expect(() => createHealthHistory(provider, faulty))
      .to.throw(ValidationError)
      .with.property('issues')
      .that.has.length(3);
  });
});

import { expect } from 'chai';
import { SqliteWorkers } from '../../../../src/core/engine/sqlite/worker/sqlite-workers.ts';
import {
  ConnectionError,
  DatabaseProviderFactory,
  StatementTimeoutError,
} from '../../../../src/core/index.ts';
import { LeaseLedger } from '../../../../src/core/pool/lease-ledger.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';

interface Warning {
  readonly reason: string;
  readonly abandoned: unknown;
}

const heavy = `with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000000)
  select count(*) as count from n`;

describeOnDatabase('sqlite-file', 'a worker thread is given up once', (database) => {
  let warnings: Warning[];
  let workers: SqliteWorkers;
  let clock: FakeClock;

  beforeEach(async () => {
    const url = await database.freshUrl();
    const provider = DatabaseProviderFactory.createProvider<unknown>(url);
    await provider.exec('create table notes (id integer)');
    await provider.close();
    warnings = [];
    clock = new FakeClock();
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: ({ error, abandoned }: Readonly<Record<string, unknown>>) =>
        void warnings.push({ reason: (error as Error).message, abandoned }),
    };
    const onPoolEvent = () => undefined;
    workers = new SqliteWorkers({
      settings: {
        filename: url.slice('sqlite:'.length),
        role: { kind: 'reader', durability: 'normal', memory: false },
      },
      count: 2,
      acquireTimeout: 60_000,
      maxWaiting: 10,
      statementTimeout: 100,
      clock,
      logger,
      onPoolEvent,
      ledger: new LeaseLedger({ leakThreshold: 0, clock, logger, onPoolEvent }),
      poolStats: () => {
        throw new Error('Nobody is turned away here.');
      },
      prepareFile: () => Promise.resolve(),
    });
  });

  afterEach(() => workers.close(0));

  it('where several of its statements run out of time together', async () => {
    const lease = await workers.lend(undefined);
    const outcomes = [1, 2, 3].map(() => rejectionOf(lease.read(heavy, [])));
    clock.advance(100);
    const [first, ...others] = await Promise.all(outcomes);
    lease.release();
    expect(first).to.be.instanceOf(StatementTimeoutError);
    for (const error of others) expect(error).to.be.instanceOf(ConnectionError);
    expect(warnings).to.have.lengthOf(1);
    expect(warnings[0]?.abandoned).to.equal(1);
    expect(warnings[0]?.reason).to.contain('outlived statementTimeout (100 ms)');
    // Of two threads one is held up; counted twice, there would be no room for another.
    expect((await workers.read('select 1 as one', [], undefined))?.rows).to.deep.equal([{ one: 1 }]);
  });

  it('and the log has the true reason, where it could not be made clean', async () => {
    const lease = await workers.lend(undefined);
    await lease.begin();
    await lease.run('commit', []);
    lease.release();
    await until(() => warnings.length > 0);
    expect((await workers.read('select 1 as one', [], undefined))?.rows).to.deep.equal([{ one: 1 }]);
    expect(workers.stats()).to.include({ size: 1, created: 2, retired: 1 });
    expect(warnings).to.deep.equal([
      { reason: 'The worker thread was given up: it could not be made clean.', abandoned: 1 },
    ]);
  });
});

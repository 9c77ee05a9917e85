import { expect } from 'chai';
import { sql } from 'kysely';
import {
  ConnectionError,
  DatabaseProviderFactory,
  UnitOfWork,
  type DatabaseProvider,
  type RetryEvent,
} from '../../../src/core/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { PostgresCluster } from '../../support/postgres-cluster.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';

interface Tables {
  counters: { id: number; n: number };
}

describeOnDatabase('postgres', 'units come through where Postgres fails', function () {
  let cluster: PostgresCluster;
  let proxy: TcpProxy;
  let provider: DatabaseProvider<Tables>;
  let unitOfWork: UnitOfWork<Tables>;

  before(async function () {
    this.timeout(30_000);
    cluster = await PostgresCluster.start({ deadlock_timeout: '10ms' });
    proxy = await TcpProxy.listen(cluster.url);
    provider = DatabaseProviderFactory.createProvider<Tables>({
      url: proxy.urlOf(cluster.url),
      pool: { max: 32 },
    });
    unitOfWork = new UnitOfWork(provider);
    await provider.exec('create table counters (id integer primary key, n integer not null)');
  });
  beforeEach(async () => {
    await provider.exec('delete from counters');
    await provider.exec('insert into counters select i, 0 from generate_series(0, 3) as i');
  });
  afterEach(() => until(() => provider.stats().busy === 0));
  after(async () => {
    await provider.close();
    await proxy.close();
    await cluster.remove();
  });

  /** Reads a counter, and writes what it has read plus one. */
  async function count(db: UnitDb, id: number): Promise<void> {
    const { n } = await db.selectFrom('counters').select('n').where('id', '=', id).executeTakeFirstOrThrow();
    await db
      .updateTable('counters')
      .set({ n: n + 1 })
      .where('id', '=', id)
      .execute();
  }

  const sum = async () => {
    const [row] = await provider.query<{ sum: number }>('select sum(n)::integer as sum from counters');
    return row?.sum;
  };

  it('32 writers on 4 rows: all come through, and each counts once', async () => {
    const each = soakCount(200) / 20;
    const reasons = new Set<string>();
    const onRetry = ({ error }: RetryEvent) => void reasons.add((error as Error).name);
    await Promise.all(
      Array.from({ length: 32 }, async (_, writer) => {
        for (let turn = 0; turn < each; turn += 1)
          await unitOfWork.run(
            async ({ db }) => {
              await count(db, writer % 4);
              await count(db, (writer + 1 + (turn % 3)) % 4);
            },
            { retry: { attempts: 50, onRetry } },
          );
      }),
    );
    expect(await sum()).to.equal(32 * each * 2);
    expect([...reasons]).to.include('SerializationFailureError');
  }).timeout(60_000);

  it('pairs that wait for each other: one is ended by the server and runs again', async () => {
    const reasons: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      const met = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
      await Promise.all(
        [0, 1].map((first) =>
          unitOfWork.run(
            async ({ db }) => {
              const update = (id: number) =>
                db
                  .updateTable('counters')
                  .set({ n: sql`n + 1` })
                  .where('id', '=', id)
                  .execute();
              await update(first);
              met[first as 0 | 1].resolve();
              await met[(1 - first) as 0 | 1].promise;
              await update(1 - first);
            },
            {
              isolation: 'read committed',
              retry: { onRetry: ({ error }) => void reasons.push((error as Error).name) },
            },
          ),
        ),
      );
    }
    expect(reasons).to.deep.equal(Array.from({ length: 5 }, () => 'DeadlockError'));
    expect(await sum()).to.equal(20);
  });

  it('a backend that is ended in the midst of the work', async () => {
    let attempts = 0;
    await unitOfWork.run(async ({ db }) => {
      attempts += 1;
      await count(db, 0);
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
      if (attempts === 1) await cluster.ask('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await count(db, 1);
    });
    expect(attempts).to.equal(2);
    expect(await sum()).to.equal(2);
  });

  it('a backend that is ended in a nested unit that fails by itself, which the work swallows', async () => {
    let attempts = 0;
    const reasons: string[] = [];
    const suppressed: unknown[] = [];
    await unitOfWork.run(
      async ({ db }) => {
        attempts += 1;
        await count(db, 0);
        const nested = unitOfWork.run(async (inner) => {
          const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(inner.db);
          if (attempts === 1) await cluster.ask('select pg_terminate_backend($1)', [rows[0]?.pid]);
          throw new Error('mine');
        });
        const error = (await rejectionOf(nested)) as {
          readonly message: string;
          readonly suppressed?: unknown;
        };
        expect(error.message).to.equal('mine');
        suppressed.push(error.suppressed);
        await count(db, 1);
      },
      { retry: { onRetry: ({ error }) => void reasons.push((error as Error).name) } },
    );
    expect({ attempts, reasons }).to.deep.equal({ attempts: 2, reasons: ['ConnectionError'] });
    expect(suppressed[0]).to.be.instanceOf(ConnectionError);
    expect(suppressed[1]).to.equal(undefined);
    expect(await sum()).to.equal(2);
  });

  it('a COMMIT whose reply is lost counts as done, once, and the work does not run again', async () => {
    const times = soakCount(200);
    let attempts = 0;
    let hooks = 0;
    for (let turn = 0; turn < times; turn += 1) {
      await unitOfWork.run(async ({ db, afterCommit }) => {
        attempts += 1;
        afterCommit(() => (hooks += 1));
        await count(db, 0);
        proxy.cutReplyTo('commit');
      });
    }
    expect({ attempts, hooks, sum: await sum() }).to.deep.equal({
      attempts: times,
      hooks: times,
      sum: times,
    });
  }).timeout(30_000);

  it('a COMMIT that was lost on its way runs again, and counts once', async () => {
    let attempts = 0;
    await unitOfWork.run(async ({ db }) => {
      attempts += 1;
      await count(db, 0);
      // Everything that is sent from here on is lost, and then the line is cut.
      if (attempts > 1) return;
      proxy.fallSilent('toServer');
      setImmediate(() => {
        proxy.cutLines();
        proxy.speakAgain();
      });
    });
    expect(attempts).to.equal(2);
    expect(await sum()).to.equal(1);
  });

  it('a table that is altered in the midst of a unit that has its statement prepared', async () => {
    await provider.exec('create table if not exists altered (id integer, name text)');
    const look = (db: UnitDb) => sql`select * from altered where ${1} = 1`.execute(db);
    // Prepared on the one connection that will serve.
    const single = DatabaseProviderFactory.createProvider<Tables>({ url: cluster.url, pool: { max: 1 } });
    const units = new UnitOfWork(single);
    for (let turn = 0; turn < 3; turn += 1) await units.run(({ db }) => look(db));
    const reasons: string[] = [];
    let attempts = 0;
    await units.run(
      async ({ db }) => {
        attempts += 1;
        await sql`select 1`.execute(db);
        if (attempts === 1) await cluster.ask('alter table altered add column more text');
        const { rows } = await look(db);
        expect(rows).to.deep.equal([]);
      },
      {
        isolation: 'read committed',
        retry: { onRetry: ({ error }) => void reasons.push((error as Error).name) },
      },
    );
    expect({ attempts, reasons }).to.deep.equal({ attempts: 2, reasons: ['StalePreparedStatementError'] });
    await single.close();
  });

  it('a server that is restarted under load: no unit fails, and each counts once', async () => {
    let isOver = false;
    let done = 0;
    const workers = Array.from({ length: 8 }, async (_, worker) => {
      while (!isOver) {
        await unitOfWork.run(
          ({ db }) =>
            db
              .updateTable('counters')
              .set({ n: sql`n + 1` })
              .where('id', '=', worker % 4)
              .execute(),
          { retry: { attempts: 20 } },
        );
        done += 1;
      }
    });
    await until(() => done >= 20);
    await cluster.restart('fast');
    const before = done;
    await until(() => done >= before + 20, 10_000);
    isOver = true;
    await Promise.all(workers);
    expect(await sum()).to.equal(done);
  }).timeout(30_000);
});

type UnitDb = Parameters<Parameters<UnitOfWork<Tables>['run']>[0]>[0]['db'];

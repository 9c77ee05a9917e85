/** Two standbys of one primary, by streaming replication. Replay that is paused makes them as stale as can be. */
import { expect } from 'chai';
import { sql } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import {
  ConnectionError,
  DatabaseProviderFactory,
  prepare,
  ReadOnlyDatabaseError,
  systemClock,
  type Clock,
  type DatabaseProvider,
  type Param,
} from '../../../../src/core/index.ts';
import { noteForeignWrites } from '../../../../src/core/provider/foreign-writes.ts';
import { isSoak, soakCount } from '../../../support/engines.ts';
import { PostgresCluster } from '../../../support/postgres-cluster.ts';
import { primarySettings, startStandby } from '../../../support/postgres-standby.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { slowClock } from '../../../support/slow-clock.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';
import { printFigure } from './faults/fault-harness.ts';
import { describeOnPostgres } from './postgres-harness.ts';

interface CounterTables {
  counters: { id: number; value: number };
}

/** A replica that a busy machine holds up for a moment is not left out by it. */
const patientClock = slowClock(20);

describeOnPostgres('reads go to a replica', () => {
  let primary: PostgresCluster;
  let standbys: readonly [PostgresCluster, PostgresCluster];
  let proxy: TcpProxy;
  let provider: DatabaseProvider<CounterTables>;
  const warnings: string[] = [];

  before(async function () {
    this.timeout(120_000);
    primary = await PostgresCluster.start(primarySettings);
    await primary.ask('create table counters (id integer primary key, value integer not null)');
    await primary.ask('insert into counters select n, 0 from generate_series(1, 50) n');
    standbys = [await startStandby(primary), await startStandby(primary)];
  });
  beforeEach(async () => {
    proxy = await TcpProxy.listen(standbys[0].url);
    provider = open([proxy.urlOf(standbys[0].url)], {}, patientClock);
  });
  afterEach(async () => {
    await provider.close({ deadline: 0 });
    await proxy.close();
    warnings.splice(0);
    for (const standby of standbys) await resume(standby);
  });
  after(async function () {
    this.timeout(60_000);
    for (const cluster of [...standbys, primary]) await cluster.remove();
  });

  function open(
    replicas: readonly string[],
    settings: object = {},
    clock: Clock = systemClock,
  ): DatabaseProvider<CounterTables> {
    const logger = {
      debug() {},
      info: (_: object, message: string) => warnings.push(message),
      warn: (_: object, message: string) => warnings.push(message),
      error() {},
    };
    return DatabaseProviderFactory.createProvider<CounterTables>(
      {
        url: primary.url,
        connection: { replicas, replicaMaxLag: 0, ...settings },
        pool: { max: 4, acquireTimeout: 10_000 },
      },
      { logger, clock },
    );
  }

  const valueOf = (id: number, on = provider) =>
    prepare(on, (db, param: Param<{ id: number }>) =>
      db.selectFrom('counters').select('value').where('id', '=', param('id')),
    ).firstOrThrow({ id });
  /** Which server answers a read that goes directly. */
  const portOf = (on = provider): Promise<{ port: number }> =>
    prepare(on, (db) => db.selectNoFrom(sql<number>`inet_server_port()`.as('port'))).firstOrThrow({});
  const setValue = (id: number, value: number) =>
    provider.db.updateTable('counters').set({ value }).where('id', '=', id).execute();
  const untilOnReplica = (on = provider) => until(async () => (await portOf(on)).port !== primary.port);

  it('those that go directly, and read-only transactions; everything else goes to the primary', async () => {
    await untilOnReplica();
    expect(await portOf()).to.deep.equal({ port: standbys[0].port });
    const ask = sql<{ port: number }>`select inet_server_port() as port`;
    const inTransaction = (readOnly: boolean) =>
      provider.transaction(async (tx) => (await ask.execute(tx)).rows, { readOnly });
    expect(await inTransaction(true)).to.deep.equal([{ port: standbys[0].port }]);
    expect(await inTransaction(false)).to.deep.equal([{ port: primary.port }]);
    expect(await provider.query('select inet_server_port() as port')).to.deep.equal([{ port: primary.port }]);
    const [[inBatch]] = await provider.batch([ask.compile(provider.db)]);
    expect(inBatch).to.deep.equal({ port: primary.port });
    const serializable = await provider.transaction(async (tx) => (await ask.execute(tx)).rows, {
      readOnly: true,
      isolation: 'serializable',
    });
    expect(serializable).to.deep.equal([{ port: primary.port }]);
  });

  it('a read that locks rows goes to the primary', async () => {
    await untilOnReplica();
    const locking = prepare(provider, (db) =>
      db
        .selectFrom('counters')
        .select(sql<number>`inet_server_port()`.as('port'))
        .where('id', '=', 1)
        .forUpdate(),
    );
    expect(await locking.first({})).to.deep.equal({ port: primary.port });
  });

  it('and to the primary what no replica can do: an unlogged table, the end of the log', async () => {
    await provider.exec('create unlogged table scratch as select 1 as n');
    await untilOnReplica();
    const scratch = prepare(provider, (db) => db.selectFrom(sql<{ n: number }>`scratch`.as('s')).select('n'));
    expect(await scratch.first({})).to.deep.equal({ n: 1 });
    const end = prepare(provider, (db) => db.selectNoFrom(sql<string>`pg_current_wal_lsn()::text`.as('end')));
    expect(await end.first({})).to.have.property('end');
    expect(await portOf(), 'the replica is as sound as before').to.deep.equal({ port: standbys[0].port });
  });

  it('and to the one that has less to do, where there are several', async () => {
    const both = open(standbys.map(({ url }) => url));
    try {
      await until(async () => {
        const ports = await Promise.all(Array.from({ length: 20 }, () => portOf(both)));
        return standbys.every((standby) => ports.some(({ port }) => port === standby.port));
      });
      expect(both.stats()).to.include({ max: 12 });
    } finally {
      await both.close();
    }
  });

  it('whoever has written reads what was written, while replay is paused', async function () {
    this.timeout(120_000);
    await untilOnReplica();
    await standbys[0].ask('select pg_wal_replay_pause()');
    let stale = 0;
    const rounds = soakCount(1_000);
    for (let value = 1; value <= rounds; value += 1) {
      const id = 1 + (value % 50);
      if (value % 3 === 0) await setValue(id, value);
      else if (value % 3 === 1) {
        await provider.transaction((tx) =>
          tx.updateTable('counters').set({ value }).where('id', '=', id).execute(),
        );
      } else {
        await provider.batch([provider.db.updateTable('counters').set({ value }).where('id', '=', id)]);
      }
      const seen = await Promise.all([
        valueOf(id),
        valueOf(id),
        provider
          .transaction((tx) => tx.selectFrom('counters').select('value').where('id', '=', id).execute(), {
            readOnly: true,
          })
          .then(([row]) => row),
      ]);
      stale += seen.filter((row) => row?.value !== value).length;
    }
    // The standby itself would have answered with what it had before.
    const old = await standbys[0].ask<{ value: number }>('select max(value) as value from counters');
    expect(old[0]?.value).to.equal(0);
    printFigure(`replay paused: ${rounds} writes, each read back three times: ${stale} stale reads`);
    expect(stale).to.equal(0);
  });

  it('and reads it under lag that comes and goes, whoever else writes', async function () {
    this.timeout(120_000);
    const both = open(standbys.map(({ url }) => url));
    try {
      await untilOnReplica(both);
      let isOver = false;
      let stale = 0;
      let reads = 0;
      let onReplica = 0;
      const workers = Array.from({ length: 8 }, async (_, worker) => {
        const id = 1 + worker;
        const offset = 1_000_000;
        for (let value = offset; !isOver; value += 1) {
          await both.db.updateTable('counters').set({ value }).where('id', '=', id).execute();
          const [row, { port }] = await Promise.all([valueOf(id, both), portOf(both)]);
          reads += 1;
          if (port !== primary.port) onReplica += 1;
          if (row.value !== value) stale += 1;
          await wait(Math.random() * 20);
        }
      });
      for (let round = 0; round < soakCount(200) / 5; round += 1) {
        await standbys[round % 2]?.ask('select pg_wal_replay_pause()');
        await wait(60);
        await resume(standbys[round % 2]);
        await wait(60);
      }
      isOver = true;
      await Promise.all(workers);
      printFigure(
        `lag that comes and goes: ${reads} reads behind writes, ${onReplica} on a replica, ${stale} stale`,
      );
      expect(stale).to.equal(0);
      expect(onReplica).to.be.above(0);
    } finally {
      await both.close();
    }
  });

  it('of another who has written, a provider learns nothing: there a replica may be behind', async () => {
    await untilOnReplica();
    await standbys[0].ask('select pg_wal_replay_pause()');
    await primary.ask('update counters set value = -7 where id = 9');
    // The control of the two above: without a position to wait for, the stale row is what comes.
    expect((await valueOf(9)).value).not.to.equal(-7);
    // A bus has told of it.
    noteForeignWrites(provider);
    expect((await valueOf(9)).value).to.equal(-7);
  });

  it('a replica that is gone or silent is left out, and read from again when it is back', async function () {
    this.timeout(60_000);
    const hasty = open([proxy.urlOf(standbys[0].url)]);
    const faults = [
      { name: 'silent', strike: () => proxy.fallSilent(), heal: () => proxy.heal() },
      { name: 'half silent', strike: () => proxy.fallSilent('toClient'), heal: () => proxy.heal() },
      {
        name: 'stopped',
        strike: () => standbys[0].stopServer('fast'),
        heal: () => standbys[0].startServer(),
      },
      {
        name: 'crashed',
        strike: () => standbys[0].stopServer('immediate'),
        heal: () => standbys[0].startServer(),
      },
    ] as const;
    for (const { name, strike, heal } of faults) {
      await untilOnReplica(hasty);
      await strike();
      const start = performance.now();
      expect(await portOf(hasty)).to.deep.equal({ port: primary.port });
      const elapsed = performance.now() - start;
      if (isSoak) expect(elapsed).to.be.below(1_000);
      const again = performance.now();
      for (let call = 0; call < 20; call += 1) await portOf(hasty);
      const each = (performance.now() - again) / 20;
      printFigure(
        `a replica that is ${name}: answered by the primary after ${elapsed.toFixed(0)} ms, then ${each.toFixed(1)} ms a read`,
      );
      await heal();
      await untilOnReplica(hasty);
    }
    await hasty.close({ deadline: 0 });
    expect(warnings).to.include('a replica of Postgres is left out');
    expect(warnings).to.include('a replica of Postgres is read from again');
  });

  it('a slow query is waited for where it runs, and not run twice', async () => {
    await untilOnReplica();
    const slow = prepare(provider, (db) =>
      db.selectNoFrom([sql<number>`inet_server_port()`.as('port'), sql`pg_sleep(2)`.as('slept')]),
    );
    const reading = slow.first({});
    // Until long after it has been asked whether it still answers.
    await wait(1_000);
    const running = await primary.ask(
      `select from pg_stat_activity where query like '%pg_sleep(2)%' and pid <> pg_backend_pid()`,
    );
    expect(running).to.deep.equal([]);
    expect(await reading).to.deep.include({ port: standbys[0].port });
  });

  it('a query that fails is the caller’s, and the replica stays', async () => {
    await untilOnReplica();
    const failing = prepare(provider, (db) => db.selectNoFrom(sql`1 / 0`.as('never')));
    expect(await rejectionOf(failing.first({})))
      .to.be.instanceOf(Error)
      .and.not.instanceOf(ConnectionError);
    expect(await portOf()).to.deep.equal({ port: standbys[0].port });
  });

  it('one that calls a function which writes goes to the primary', async () => {
    await provider.exec(`create or replace function bump() returns integer language sql
      as 'update counters set value = value + 1 where id = 50 returning value'`);
    await untilOnReplica();
    const bump = prepare(provider, (db) => db.selectNoFrom(sql<number>`bump()`.as('value')));
    const { value } = await bump.firstOrThrow({});
    expect((await valueOf(50)).value).to.equal(value);
  });

  it('a replica that is further behind than it may be is left out', async () => {
    const strict = open([standbys[1].url], { replicaMaxLag: 200 });
    try {
      await untilOnReplica(strict);
      await standbys[1].ask('select pg_wal_replay_pause()');
      await primary.ask('update counters set value = 1 where id = 1');
      await until(async () => (await portOf(strict)).port === primary.port);
      await resume(standbys[1]);
      await untilOnReplica(strict);
    } finally {
      await strict.close();
    }
  });

  it('the gauges say how far each replica is behind, and which one does not answer', async () => {
    const both = open([standbys[0].url, standbys[1].url]);
    try {
      await both.query('select 1 as one');
      await until(
        async () => (await both.gauges()).replicas?.every(({ lagBytes }) => lagBytes === 0) ?? false,
      );
      await standbys[1].ask('select pg_wal_replay_pause()');
      await primary.ask('update counters set value = value + 1');
      const behind = async () => (await both.gauges()).replicas ?? [];
      await until(async () => {
        const [first, second] = await behind();
        return first?.lagBytes === 0 && (second?.lagBytes ?? 0) > 0 && (second?.lag ?? 0) > 0;
      });
      expect((await behind()).map(({ number, isAnswering }) => ({ number, isAnswering }))).to.deep.equal([
        { number: 1, isAnswering: true },
        { number: 2, isAnswering: true },
      ]);
      await resume(standbys[1]);
      await standbys[1].stopServer('fast');
      try {
        await until(async () => (await behind())[1]?.isAnswering === false);
        expect((await behind())[1]).to.deep.equal({ number: 2, isAnswering: false });
        expect((await behind())[0]).to.include({ isAnswering: true, lagBytes: 0 });
      } finally {
        await standbys[1].startServer();
      }
    } finally {
      await both.close();
    }
  });

  it('with the primary away, reads go on, and writes say so', async function () {
    this.timeout(60_000);
    await untilOnReplica();
    await primary.stopServer('fast');
    try {
      expect(await portOf()).to.deep.equal({ port: standbys[0].port });
      expect(await rejectionOf(setValue(1, 1))).to.be.instanceOf(ConnectionError);
    } finally {
      await primary.startServer();
    }
    await until(async () => (await setValue(1, 1)).length === 1, 10_000).catch(() => undefined);
  });

  it('a primary that takes no writes any more says ReadOnlyDatabaseError', async () => {
    const wrong = DatabaseProviderFactory.createProvider<CounterTables>(standbys[0].url);
    try {
      const error = await rejectionOf(
        wrong.db.updateTable('counters').set({ value: 1 }).where('id', '=', 1).execute(),
      );
      expect(error).to.be.instanceOf(ReadOnlyDatabaseError);
    } finally {
      await wrong.close();
    }
  });

  it('a replica that was promoted is left out', async function () {
    this.timeout(60_000);
    const promoted = await startStandby(primary);
    const on = open([promoted.url]);
    try {
      await untilOnReplica(on);
      await promoted.ask('select pg_promote()');
      await until(async () => (await portOf(on)).port === primary.port);
      expect(warnings).to.include('a replica of Postgres is left out');
      await promoted.ask('update counters set value = -99 where id = 3');
      for (let call = 0; call < 50; call += 1) expect((await valueOf(3, on)).value).not.to.equal(-99);
    } finally {
      await on.close();
      await promoted.remove();
    }
  });
});

async function resume(standby: PostgresCluster | undefined): Promise<void> {
  await standby?.ask('select pg_wal_replay_resume()');
}

/** SIGSTOP: a process that neither answers nor goes away, as on a machine that swaps or that is moved. */
import { expect } from 'chai';
import { sql } from 'kysely';
import {
  ConnectionError,
  PoolTimeoutError,
  StatementTimeoutError,
  outside,
} from '../../../../../src/core/index.ts';
import { soakCount } from '../../../../support/engines.ts';
import { PostgresCluster } from '../../../../support/postgres-cluster.ts';
import { rejectionOf } from '../../../../support/rejection.ts';
import { runningTime } from '../../../../support/running-time.ts';
import { until } from '../../../../support/until.ts';
import { describeOnPostgres } from '../postgres-harness.ts';
import {
  describeFailures,
  expectAtRest,
  expectSound,
  printFigure,
  timeToFullCapacity,
  type TokenProvider,
} from './fault-harness.ts';
import { createTokens, TokenLoad } from './token-load.ts';

/** In ms; longer than a busy machine holds up those who are not frozen. */
const acquireTimeout = 3_000;
const statementTimeout = 3_000;

/** How late an error may come, in ms of this process; whoever had no limit would wait for ever. */
const slack = 1_500;

describeOnPostgres('a frozen server holds nobody', (postgres) => {
  let cluster: PostgresCluster;
  before(async function () {
    this.timeout(60_000);
    cluster = await PostgresCluster.start();
  });
  after(() => cluster.remove());

  async function open(max: number): Promise<TokenProvider> {
    const settings = { url: cluster.url, statementTimeout, pool: { max, acquireTimeout } };
    const provider = (await postgres.open(settings)) as unknown as TokenProvider;
    await createTokens(provider);
    return provider;
  }

  it('a frozen backend: its caller has an error in time, the others go on, and its late answer reaches nobody', async function () {
    this.timeout(120_000);
    const frozen = soakCount(200) / 5;
    const provider = await open(frozen + 3);
    const latenesses: number[] = [];
    const backends: number[] = [];
    const failures = Array.from({ length: frozen }, async () => {
      let start = 0;
      const error = await rejectionOf(
        provider.transaction(async (tx) => {
          const backend = await backendOf(tx);
          cluster.signal('SIGSTOP', backend);
          backends.push(backend);
          start = runningTime();
          await tx.insertInto('tokens').values({ token: 'never' }).execute();
        }),
      );
      latenesses.push(runningTime() - start - statementTimeout);
      return error;
    });
    await until(() => backends.length === frozen);
    const load = new TokenLoad(provider, 6);
    for (const error of await Promise.all(failures)) {
      expect(error).to.satisfy(
        (thrown: unknown) => thrown instanceof ConnectionError || thrown instanceof StatementTimeoutError,
      );
    }
    // What the backends were asked for, they now do and answer.
    for (const backend of backends) cluster.signal('SIGCONT', backend);
    const { done } = load;
    await until(() => load.done > done + 50);
    const report = await load.stop();
    expect(report.failures.size, describeFailures(report.failures)).to.equal(0);
    expectSound(report, await cluster.ask<{ token: string }>('select token from tokens'));
    expect(await provider.query(`select token from tokens where token = 'never'`)).to.deep.equal([]);
    await expectAtRest(provider);
    expect(provider.stats().retired).to.be.at.least(latenesses.length);
    printFigure(
      `a frozen backend: ${latenesses.length} callers; the latest error ${Math.max(...latenesses).toFixed(0)} ms past statementTimeout`,
    );
    expect(Math.max(...latenesses)).to.be.below(slack);
  });

  it('every backend frozen: errors in time, and full capacity once they go on', async function () {
    this.timeout(120_000);
    const provider = await open(4);
    const load = new TokenLoad(provider, 8);
    await until(() => load.done > 40);
    const frozen = await cluster.ask<{ pid: number }>(
      `select pid from pg_stat_activity where application_name = 'liminal-data'`,
    );
    const { retired } = provider.stats();
    for (const { pid } of frozen) cluster.signal('SIGSTOP', pid);
    try {
      // Each of them was in use, and is given up at the deadline of whoever had it.
      await until(() => provider.stats().retired >= retired + frozen.length);
    } finally {
      for (const { pid } of frozen) cluster.signal('SIGCONT', pid);
    }
    const healed = await timeToFullCapacity(provider);
    const report = await load.stop();
    await expectAtRest(provider);
    printFigure(
      `every backend frozen: failed: ${describeFailures(report.failures)}; full capacity after ${healed.toFixed(0)} ms`,
    );
    expectSound(report, await cluster.ask<{ token: string }>('select token from tokens'));
  });

  it('the postmaster frozen: connections that stand go on, new ones fail in time, and come once it goes on', async function () {
    this.timeout(60_000);
    const provider = await open(3);
    await provider.query('select 1');
    cluster.signal('SIGSTOP');
    try {
      const read = () => provider.transaction((tx) => tx.selectFrom('tokens').selectAll().execute());
      // Nobody can open another one now: all go on with the one that stands.
      await Promise.all([read(), read(), read()]);
      const start = runningTime();
      const outcomes = await provider.transaction(async (tx) => {
        await tx.selectFrom('tokens').selectAll().execute();
        // By Kysely, since the provider sends a read again whose connection was lost.
        const query = provider.db.selectFrom('tokens').selectAll();
        return outside(() => Promise.allSettled([query.execute(), query.execute()]));
      });
      const elapsed = runningTime() - start;
      printFigure(
        `the postmaster frozen: errors ${(elapsed - acquireTimeout).toFixed(0)} ms past acquireTimeout`,
      );
      expect(elapsed).to.be.below(acquireTimeout + slack);
      const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(failures).to.have.length(2);
      for (const { reason } of failures) {
        expect(reason).to.satisfy(
          (error: unknown) => error instanceof ConnectionError || error instanceof PoolTimeoutError,
        );
      }
    } finally {
      cluster.signal('SIGCONT');
    }
    await timeToFullCapacity(provider);
    await expectAtRest(provider);
  });
});

async function backendOf(tx: Parameters<Parameters<TokenProvider['transaction']>[0]>[0]): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
  return rows[0]?.pid ?? 0;
}

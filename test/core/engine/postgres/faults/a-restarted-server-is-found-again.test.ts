/**
 * The server goes away and comes back under a load. Times are counted from the moment in which it lets
 * clients in again: before that they would measure the server.
 */
import { expect } from 'chai';
import { isSoak, soakCount } from '../../../../support/engines.ts';
import { PostgresCluster } from '../../../../support/postgres-cluster.ts';
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

const workers = 20;
const poolSize = 8;

/** How soon all connections have to be there again, in ms, where the machine has nothing else to do. */
const capacityLimit = 3_000;

describeOnPostgres('a restarted server is found again', (postgres) => {
  let cluster: PostgresCluster;
  before(async function () {
    this.timeout(60_000);
    // What was acknowledged must survive a crash here.
    cluster = await PostgresCluster.start({ fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' });
  });
  after(() => cluster.remove());

  const ways = [
    { name: 'restarted at once (fast)', strike: () => cluster.restart('fast') },
    { name: 'restarted as after a crash (immediate)', strike: () => cluster.restart('immediate') },
    { name: 'one backend killed, so that all of them go', strike: killOneBackend },
  ] as const;

  for (const { name, strike } of ways) {
    it(`${name}, under mixed work: no acknowledged write is lost, and everybody is served again`, async function () {
      this.timeout(300_000);
      const provider = (await postgres.open({
        url: cluster.url,
        pool: { max: poolSize, acquireTimeout: 5_000 },
      })) as unknown as TokenProvider;
      await createTokens(provider);
      let slowest = 0;
      // A fifth of a usual count: the server itself takes a second.
      for (let round = 0; round < soakCount(200) / 5; round += 1) {
        const load = new TokenLoad(provider, workers, ['read', 'transaction', 'batch', 'read', 'write']);
        await until(() => load.done > 2 * workers);
        const created = provider.stats().created;
        await strike();
        const capacity = await timeToFullCapacity(provider);
        const reconnects = provider.stats().created - created;
        const { done } = load;
        await until(() => load.done > done + 2 * workers);
        const report = await load.stop();
        await expectAtRest(provider);
        slowest = Math.max(slowest, capacity);
        printFigure(
          `${name}: ${report.done} calls done, failed: ${describeFailures(report.failures)}; ` +
            `full capacity ${capacity.toFixed(0)} ms after the server let clients in, ${reconnects} connections made`,
        );
        expectSound(report, await cluster.ask<{ token: string }>('select token from tokens'));
        expect(report.failures.get('LIMINAL_QUERY') ?? 0, 'errors without a class').to.equal(0);
      }
      if (isSoak) expect(slowest).to.be.below(capacityLimit);
      expect(await countIdleInTransaction()).to.equal(0);
    });
  }

  it('a session that has lain idle through a restart serves nobody, and nobody hears of it', async () => {
    const provider = (await postgres.open({ url: cluster.url })) as unknown as TokenProvider;
    await createTokens(provider);
    await cluster.restart('fast');
    for (let call = 0; call < 20; call += 1) {
      expect(await provider.query('select ?::text as token', [String(call)])).to.deep.equal([
        { token: String(call) },
      ]);
    }
  });

  async function killOneBackend(): Promise<void> {
    const [row] = await cluster.ask<{ pid: number }>(
      `select pid from pg_stat_activity where application_name = 'liminal-data' limit 1`,
    );
    cluster.signal('SIGKILL', row?.pid ?? 0);
    // The postmaster ends everybody and starts anew.
    await until(async () => {
      try {
        const sessions = await cluster.ask<{ pid: number }>(
          'select pid from pg_stat_activity where pid = $1',
          [row?.pid],
        );
        return sessions.length === 0;
      } catch {
        return false;
      }
    }, 20_000);
  }

  async function countIdleInTransaction(): Promise<number> {
    const rows = await cluster.ask(`select from pg_stat_activity where state like 'idle in transaction%'`);
    return rows.length;
  }
});

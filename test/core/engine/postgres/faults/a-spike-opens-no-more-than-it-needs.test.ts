/** Callers come in spikes while a connection takes 150 ms to open, and all connections grow old together. */
import { expect } from 'chai';
import { sql } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import type { PoolEvent } from '../../../../../src/core/index.ts';
import { soakCount } from '../../../../support/engines.ts';
import { until } from '../../../../support/until.ts';
import { describeOnPostgres } from '../postgres-harness.ts';
import { expectAtRest, expectSound, printFigure, proxiesOf, type TokenProvider } from './fault-harness.ts';
import { TokenLoad } from './token-load.ts';

const connectDelay = 150;

describeOnPostgres('a spike opens no more than it needs', (postgres) => {
  const openThroughProxy = proxiesOf(postgres);

  it('50 callers of 2 ms each meet 5 idle connections, again and again', async function () {
    this.timeout(120_000);
    const { proxy, provider } = await openThroughProxy({ pool: { max: 50, acquireTimeout: 60_000 } });
    await hold(provider, 5);
    expect(provider.stats()).to.include({ size: 5, idle: 5 });
    proxy.delayConnecting(connectDelay);
    const durations: number[] = [];
    const created = provider.stats().created;
    // 30 s of spikes in a soak, 3 s in CI.
    const end = performance.now() + soakCount(300) * 100;
    let spikes = 0;
    while (performance.now() < end) {
      spikes += 1;
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const start = performance.now();
          await provider.transaction((tx) => sql`select pg_sleep(0.002)`.execute(tx));
          durations.push(performance.now() - start);
        }),
      );
      await wait(50);
    }
    durations.sort((a, b) => a - b);
    const opened = provider.stats().created - created;
    const p99 = durations[Math.floor(durations.length * 0.99)] ?? 0;
    printFigure(
      `${spikes} spikes of 50 callers on 5 idle connections, ${connectDelay} ms to connect: ${opened} connections made ` +
        `for 45 that were missing, p50 ${(durations[Math.floor(durations.length / 2)] ?? 0).toFixed(1)} ms, ` +
        `p99 ${p99.toFixed(1)} ms`,
    );
    expect(opened).to.be.at.most(45);
    expect(provider.stats()).to.include({ retired: 0, timeouts: 0 });
    await expectAtRest(provider);
  });

  it('connections that were opened together and grow old together: none is closed in use', async function () {
    this.timeout(120_000);
    const retired: string[] = [];
    const onPoolEvent = (event: PoolEvent) => {
      if (event.type === 'retired') retired.push(event.reason);
    };
    const max = 6;
    const { provider, url } = await openThroughProxy(
      { pool: { max, maxLifetime: 400, acquireTimeout: 60_000 } },
      { onPoolEvent },
    );
    await hold(provider, max);
    const load = new TokenLoad(provider, 12, ['read', 'transaction', 'batch', 'read', 'write']);
    await wait(soakCount(200) * 100);
    await until(() => retired.length >= 2 * max);
    const report = await load.stop();
    await expectAtRest(provider);
    const { created } = provider.stats();
    printFigure(
      `a lifetime of 400 ms under load: ${report.done} calls, ${created} connections made, ${report.failures.size} failures`,
    );
    expect([...report.failures]).to.deep.equal([]);
    expectSound(report, await postgres.askServer<{ token: string }>(url, 'select token from tokens'));
    expect(new Set(retired)).to.deep.equal(new Set(['lifetime']));
  });
});

/** Opens so many connections, each held until all are there. */
async function hold(provider: TokenProvider, count: number): Promise<void> {
  let present = 0;
  const allThere = Promise.withResolvers<void>();
  await Promise.all(
    Array.from({ length: count }, () =>
      provider.transaction(async (tx) => {
        await sql`select 1`.execute(tx);
        present += 1;
        if (present === count) allThere.resolve();
        await allThere.promise;
      }),
    ),
  );
}

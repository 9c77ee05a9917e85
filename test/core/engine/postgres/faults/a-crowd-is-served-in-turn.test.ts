/** Many more callers than connections: in their order, within their deadline, and nothing is left behind. */
import { expect } from 'chai';
import { sql } from 'kysely';
import { PoolTimeoutError } from '../../../../../src/core/index.ts';
import { until } from '../../../../support/until.ts';
import { describeOnPostgres } from '../postgres-harness.ts';
import { expectAtRest, printFigure, proxiesOf, timeToFullCapacity } from './fault-harness.ts';

const callers = 1_000;
const max = 10;

describeOnPostgres('a crowd is served in turn', (postgres) => {
  const openThroughProxy = proxiesOf(postgres);

  it('1,000 callers on 10 connections: all are served in the order in which they came', async function () {
    this.timeout(60_000);
    const { provider, url } = await openThroughProxy({ pool: { max, acquireTimeout: 30_000 } });
    // Connections take their own time to open; the order is that of the line.
    await timeToFullCapacity(provider, 10_000);
    const served: number[] = [];
    await Promise.all(
      Array.from({ length: callers }, (_, caller) =>
        provider.transaction(async (tx) => {
          served.push(caller);
          await sql`select ${caller}::integer`.execute(tx);
        }),
      ),
    );
    expect(served).to.deep.equal([...Array(callers).keys()]);
    await expectAtRest(provider);
    expect(provider.stats()).to.include({ size: max, created: max, retired: 0, timeouts: 0 });
    expect(await postgres.countSessions(url, 'idle in transaction')).to.equal(0);
  });

  it('1,000 callers for 10 connections that are held for longer: each is turned away at its deadline', async function () {
    this.timeout(60_000);
    const acquireTimeout = 500;
    const { provider, url } = await openThroughProxy({ pool: { max, acquireTimeout, maxWaiting: callers } });
    await Promise.all(Array.from({ length: max }, () => provider.query('select pg_sleep(0.05)')));
    const latenesses: number[] = [];
    let done = 0;
    const errors: unknown[] = [];
    await Promise.all(
      Array.from({ length: callers }, async () => {
        const start = performance.now();
        try {
          await provider.transaction((tx) => sql`select pg_sleep(0.1)`.execute(tx));
          done += 1;
        } catch (error) {
          latenesses.push(performance.now() - start - acquireTimeout);
          errors.push(error);
        }
      }),
    );
    latenesses.sort((a, b) => a - b);
    const [worst, p99] = [latenesses.at(-1) ?? 0, latenesses[Math.floor(latenesses.length * 0.99)] ?? 0];
    printFigure(
      `1,000 callers of 100 ms each on 10 connections, 500 ms to wait: ${done} served, ${errors.length} turned away, ` +
        `p99 ${p99.toFixed(0)} ms and at most ${worst.toFixed(0)} ms past the deadline`,
    );
    expect(done).to.be.within(20, 70);
    for (const error of errors) expect(error).to.be.instanceOf(PoolTimeoutError);
    expect(latenesses[0]).to.be.above(-5);
    expect(worst).to.be.below(1_500);
    expect((errors[0] as PoolTimeoutError).stats).to.include({ max, busy: max });
    await expectAtRest(provider);
    expect(provider.stats().timeouts).to.equal(errors.length);
    expect(await postgres.countSessions(url, 'active')).to.equal(0);
  });

  it('callers who give up leave the line, and the others move up', async function () {
    const { provider } = await openThroughProxy({ pool: { max: 1, acquireTimeout: 10_000 } });
    const freed = Promise.withResolvers<void>();
    const holder = provider.transaction(async (tx) => {
      await sql`select 1`.execute(tx);
      await freed.promise;
    });
    await until(() => provider.stats().busy === 1);
    const given = new AbortController();
    const query = provider.db.selectFrom('tokens').select('token');
    const impatient = Array.from({ length: 100 }, () =>
      query.execute({ signal: given.signal }).then(
        () => 'served',
        () => 'gave up',
      ),
    );
    const patient = Array.from({ length: 5 }, () => query.execute());
    await until(() => provider.stats().waiting === 105);
    given.abort();
    await until(() => provider.stats().waiting === 5);
    freed.resolve();
    expect(await Promise.all(impatient)).to.deep.equal(Array(100).fill('gave up'));
    expect(await Promise.all(patient)).to.deep.equal(Array(5).fill([]));
    await holder;
    await expectAtRest(provider);
  });
});

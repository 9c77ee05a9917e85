/** Many more callers than connections: in their order, within their deadline, and nothing is left behind. */
import { expect } from 'chai';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import { PoolTimeoutError } from '../../../../../src/core/index.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';
import { until } from '../../../../support/until.ts';
import { describeOnPostgres } from '../postgres-harness.ts';
import { expectAtRest, proxiesOf, timeToFullCapacity } from './fault-harness.ts';

const callers = 1_000;
const max = 10;

describeOnPostgres('a crowd is served in turn', (postgres) => {
  const openThroughProxy = proxiesOf(postgres);

  it('1,000 callers on 10 connections: all are served in the order in which they came', async function () {
    this.timeout(60_000);
    const { provider, url } = await openThroughProxy({ pool: { max, acquireTimeout: 30_000 } });
    // Connections take their own time to open; the order is that of the line.
    await timeToFullCapacity(provider);
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

  it('1,000 callers for 10 connections that are held for longer: each is turned away at its deadline', async () => {
    const clock = new FakeClock();
    const pool = { max, acquireTimeout: 60_000, maxWaiting: callers };
    const { provider, url } = await openThroughProxy({ pool }, { clock });
    await timeToFullCapacity(provider);
    const isOver = Promise.withResolvers<void>();
    let done = 0;
    const errors: unknown[] = [];
    const all = Promise.all(
      Array.from({ length: callers }, async () => {
        try {
          await provider.transaction(async (tx) => {
            await sql`select 1`.execute(tx);
            await isOver.promise;
          });
          done += 1;
        } catch (error) {
          errors.push(error);
        }
      }),
    );
    await until(() => provider.stats().waiting === callers - max);
    clock.advance(59_999);
    await nextTurn();
    expect(errors).to.deep.equal([]);
    clock.advance(1);
    await until(() => provider.stats().waiting === 0);
    isOver.resolve();
    await all;
    expect(done).to.equal(max);
    expect(errors).to.have.lengthOf(callers - max);
    for (const error of errors) expect(error).to.be.instanceOf(PoolTimeoutError);
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

import { expect } from 'chai';
import { sql } from 'kysely';
import { ConnectionError, PoolTimeoutError, ValidationError } from '../../../../src/core/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a session has its limits', (postgres) => {
  it('those of the configuration, as the server sees them', async () => {
    const provider = await postgres.open({
      statementTimeout: 1_234,
      lockTimeout: 567,
      connection: { applicationName: 'the-name' },
    });
    const settings = [
      'statement_timeout',
      'lock_timeout',
      'idle_in_transaction_session_timeout',
      'standard_conforming_strings',
      'client_encoding',
      'application_name',
    ];
    const rows = await provider.query<{ name: string; setting: string }>(
      'select name, setting from pg_settings where name = any(?)',
      [settings],
    );
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).to.deep.equal({
      statement_timeout: '1234',
      lock_timeout: '567',
      idle_in_transaction_session_timeout: '60000',
      standard_conforming_strings: 'on',
      client_encoding: 'UTF8',
      application_name: 'the-name',
    });
  });

  it('0 is no limit for a statement, and no waiting for a lock', async () => {
    const provider = await postgres.open({ statementTimeout: 0, lockTimeout: 0 });
    expect(
      await provider.query(
        `select current_setting('statement_timeout') as s, current_setting('lock_timeout') as l`,
      ),
    ).to.deep.equal([{ s: '0', l: '1ms' }]);
  });

  it('an idle one is closed after idleTimeout, down to the least that is kept', async () => {
    const clock = new FakeClock();
    const provider = await postgres.open({ pool: { idleTimeout: 20_000, min: 1, max: 4 } }, { clock });
    const everybody = Promise.withResolvers<void>();
    let inside = 0;
    // Each waits for the others, so that four are lent at once, however slow the machine is.
    const hold = () =>
      provider.transaction(async () => {
        inside += 1;
        if (inside === 4) everybody.resolve();
        await everybody.promise;
      });
    await Promise.all([hold(), hold(), hold(), hold()]);
    clock.advance(19_999);
    expect(provider.stats()).to.include({ created: 4, size: 4 });
    clock.advance(1);
    await until(() => provider.stats().size === 1);
    expect(provider.stats()).to.include({ idle: 1, busy: 0 });
  });

  it('an old one is closed after maxLifetime, but never while it is lent', async () => {
    const clock = new FakeClock();
    const provider = await postgres.open({ pool: { maxLifetime: 10_000 } }, { clock });
    await provider.transaction(async (tx) => {
      await sql`select 1`.execute(tx);
      clock.advance(20_000);
      expect((await sql`select 1 as one`.execute(tx)).rows).to.deep.equal([{ one: 1 }]);
      expect(provider.stats()).to.include({ size: 1 });
    });
    await until(() => provider.stats().size === 0);
    expect(provider.stats()).to.include({ created: 1 });
  });

  it('there are never more of them than pool.max, and everybody is served', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.open({ url, pool: { max: 3 } });
    let most = 0;
    const queries = Array.from({ length: 60 }, async () => {
      await provider.query('select pg_sleep(0.002)');
      most = Math.max(most, provider.stats().size);
    });
    await Promise.all(queries);
    expect(most).to.equal(3);
    expect(provider.stats()).to.include({ created: 3, timeouts: 0, waiting: 0 });
    expect(provider.stats().longestWait).to.be.greaterThan(0);
  });

  it('whoever waits longer than acquireTimeout is told how busy the pool is', async () => {
    const clock = new FakeClock();
    const provider = await postgres.open({ pool: { max: 2, acquireTimeout: 20_000 } }, { clock });
    const gate = Promise.withResolvers<void>();
    const busy = [provider.transaction(() => gate.promise), provider.transaction(() => gate.promise)];
    await until(() => provider.stats().created === 2);
    const outcome = rejectionOf(provider.query('select 1'));
    expect(await clock.runUntil(outcome)).to.be.within(20_000, 20_020);
    const error = await outcome;
    expect(error).to.be.instanceOf(PoolTimeoutError);
    expect((error as PoolTimeoutError).stats).to.include({ busy: 2, max: 2, size: 2 });
    gate.resolve();
    await Promise.all(busy);
  });

  it('an isolation level that Postgres does not know is refused before anything is sent', async () => {
    const provider = await postgres.open();
    const outcome = provider.transaction(() => Promise.resolve(), { isolation: 'snapshot' });
    expect(await rejectionOf(outcome)).to.be.instanceOf(ValidationError);
  });

  it('closing waits for what is under way, and leaves no session on the server', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.open({ url });
    const query = provider.query('select 1 as one from pg_sleep(0.1)');
    await until(() => provider.stats().busy === 1);
    await provider.close();
    expect(await query).to.deep.equal([{ one: 1 }]);
    await until(async () => (await postgres.countSessions(url)) === 0);
  });

  it('closing cuts off what outlives its deadline', async () => {
    const url = await postgres.freshUrl();
    const clock = new FakeClock();
    const provider = await postgres.open({ url, statementTimeout: 0 }, { clock });
    const outcome = rejectionOf(sql`select pg_sleep(60)`.execute(provider.db));
    await until(async () => (await postgres.countSessions(url, 'active')) === 1);
    const closed = provider.close({ deadline: 10_000 });
    expect(await clock.runUntil(outcome)).to.be.within(10_000, 10_020);
    await closed;
    expect(await outcome).to.be.instanceOf(ConnectionError);
  });
});

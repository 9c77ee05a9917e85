import { expect } from 'chai';
import { sql } from 'kysely';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { soakCount } from '../../../support/engines.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres } from './postgres-harness.ts';

const abortingProgram = fileURLToPath(new URL('aborting-program.ts', import.meta.url));
const runFile = promisify(execFile);

describeOnPostgres('an aborted query stops on the server', (postgres) => {
  for (const [strategy, retired] of [
    ['cancel query', 0],
    ['kill session', 1],
  ] as const) {
    it(`by "${strategy}", also where every connection of the pool is busy`, async () => {
      const url = await postgres.freshUrl();
      const provider = await postgres.open({ url, pool: { max: 1 } });
      const controller = new AbortController();
      const query = provider.db
        .selectNoFrom(sql`pg_sleep(60)`.as('slept'))
        .execute({ signal: controller.signal, inflightQueryAbortStrategy: strategy });
      const outcome = rejectionOf(query);
      await until(async () => (await postgres.countSessions(url, 'active')) === 1);
      const reason = new Error('enough');
      controller.abort(reason);
      expect(await outcome).to.equal(reason);
      await until(async () => (await postgres.countSessions(url, 'active')) === 0);
      await until(() => provider.stats().busy === 0);
      expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
      await until(() => provider.stats().retired === retired);
    });
  }

  it('and prints nothing, however it ends there', async () => {
    const { stdout, stderr } = await runFile(process.execPath, [abortingProgram, await postgres.freshUrl()]);
    expect(stderr).to.equal('');
    expect(stdout).to.equal(
      'ignore query: enough\ncancel query: enough\nkill session: enough\nstream: enough\nbusy: 0\n',
    );
  });

  it('and never anybody else’s, whenever the abort comes', async () => {
    const provider = await postgres.open({ pool: { max: 1 } });
    await provider.query('select 1');
    for (let round = 0; round < soakCount(400); round += 1) {
      const controller = new AbortController();
      const aborted = provider.transaction(async (tx) => {
        const query = sql`select pg_sleep(${(round % 20) / 4_000})`.compile(tx);
        const { signal } = controller;
        await tx.executeQuery(query, { signal, inflightQueryAbortStrategy: 'cancel query' });
      });
      const outcome = aborted.catch((error: unknown) => error);
      await new Promise((resolve) => setImmediate(resolve));
      setTimeout(() => controller.abort(new Error('enough')), round % 7);
      const strangers = [1, 2, 3].map(() => provider.query('select pg_sleep(0.003)'));
      await Promise.all([outcome, ...strangers]);
    }
  });

  it('an aborted caller that waited for a connection costs none', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    const controller = new AbortController();
    const gate = Promise.withResolvers<void>();
    const holder = provider.transaction(() => gate.promise);
    await until(() => provider.stats().busy === 1);
    const { signal } = controller;
    const outcome = rejectionOf(provider.db.selectFrom('items').selectAll().execute({ signal }));
    await until(() => provider.stats().waiting === 1);
    controller.abort(new Error('enough'));
    expect(await outcome).to.have.property('message', 'enough');
    expect(provider.stats()).to.include({ waiting: 0, busy: 1, timeouts: 0 });
    gate.resolve();
    await holder;
    expect(provider.stats()).to.include({ busy: 0, size: 1 });
  });
});

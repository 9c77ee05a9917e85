/** Mocha fails the running test on an uncaught exception, so that each of these also says: the process lives. */
import { expect } from 'chai';
import { sql } from 'kysely';
import { ConnectionError } from '../../../../src/core/index.ts';
import { soakCount } from '../../../support/engines.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a killed backend never ends the process', (postgres) => {
  it('idle in the pool: nobody notices, and the next query has a new connection', async () => {
    const url = await postgres.freshUrl();
    const warnings: string[] = [];
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: (_: object, message: string) => warnings.push(message),
    };
    const provider = await postgres.open({ url }, { logger });
    await Promise.all([provider.query('select 1 as one'), provider.query('select 1 as one')]);
    await until(() => provider.stats().idle === 2);
    await postgres.killSessions(url);
    await until(() => provider.stats().size === 0);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    await until(() => provider.stats().retired === 2);
    expect(provider.stats()).to.include({ size: 1, created: 3 });
    expect(warnings).to.deep.equal(Array(2).fill('an idle connection to Postgres was lost'));
  });

  it('while a statement runs: ConnectionError, and the pool recovers', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.open({ url, pool: { max: 1 } });
    // By Kysely, since the provider sends a read again whose connection was lost.
    const outcome = rejectionOf(sql`select pg_sleep(60)`.execute(provider.db));
    await until(async () => (await postgres.countSessions(url, 'active')) === 1);
    await postgres.killSessions(url);
    const error = await outcome;
    expect(error).to.be.instanceOf(ConnectionError);
    expect(error).to.include({ retryable: true });
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  it('idle in a transaction: the next statement is a ConnectionError, and nothing is left behind', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.openWithItems({ url, pool: { max: 1 } });
    const error = await rejectionOf(
      provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id: 1, name: null }).execute();
        await postgres.killSessions(url);
        await tx.insertInto('items').values({ id: 2, name: null }).execute();
      }),
    );
    expect(error).to.be.instanceOf(ConnectionError);
    expect(await provider.query('select * from items')).to.deep.equal([]);
    expect(provider.stats()).to.include({ busy: 0, size: 1 });
  });

  it('idle in a transaction: the error of the work is the one that comes out', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.openWithItems({ url, pool: { max: 1 } });
    const mine = new Error('mine');
    const error = await rejectionOf(
      provider.transaction(async (tx) => {
        await tx.selectFrom('items').selectAll().execute();
        await postgres.killSessions(url);
        throw mine;
      }),
    );
    expect(error).to.equal(mine);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  it('before COMMIT was sent: ConnectionError, and the work is not there', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.openWithItems({ url, pool: { max: 1 } });
    const error = await rejectionOf(
      provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id: 1, name: null }).execute();
        await postgres.killSessions(url);
        // The server says goodbye before it lets go of the session.
        await until(async () => (await postgres.countSessions(url)) === 0);
      }),
    );
    expect(error).to.be.instanceOf(ConnectionError);
    expect(await provider.query('select * from items')).to.deep.equal([]);
  });

  it('at any moment of any load: only ConnectionErrors come out, and the pool recovers', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.openWithItems({ url, pool: { max: 4 } });
    const errors: unknown[] = [];
    let working = true;
    let worked = 0;
    const work = async () => {
      while (working) {
        try {
          await provider.transaction(async (tx) => {
            await tx
              .insertInto('items')
              .values({ id: (worked += 1), name: 'x' })
              .execute();
            await tx.selectFrom('items').select('id').limit(3).execute();
          });
        } catch (error) {
          errors.push(error);
        }
      }
    };
    const workers = [work(), work(), work(), work(), work(), work()];
    for (let round = 0; round < soakCount(200); round += 1) {
      const before = worked;
      await until(() => worked > before);
      await postgres.killSessions(url);
    }
    working = false;
    await Promise.all(workers);
    const others = errors.filter(
      (error) =>
        !['LIMINAL_CONNECTION', 'LIMINAL_COMMIT_OUTCOME_UNKNOWN'].includes((error as { code: string }).code),
    );
    expect(others).to.deep.equal([]);
    expect(errors).not.to.deep.equal([]);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    expect(provider.stats()).to.include({ busy: 0, waiting: 0 });
  });
});

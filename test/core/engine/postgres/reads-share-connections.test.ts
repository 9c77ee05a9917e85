import { expect } from 'chai';
import fc from 'fast-check';
import { sql, type CompiledQuery } from 'kysely';
import { QueryError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { soakCount } from '../../../support/engines.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

describeOnPostgres('reads share connections', (postgres) => {
  async function openWarm(settings: object = {}): Promise<DatabaseProvider<Tables>> {
    const provider = await postgres.openWithItems(settings);
    for (let use = 0; use < 5; use += 1) await run(provider, tokenQuery(provider, 1, 1));
    return provider;
  }

  it('where they come together: far fewer connections than callers', async () => {
    const provider = await openWarm();
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, token) => run(provider, tokenQuery(provider, token, 1))),
    );
    expect(answers).to.deep.equal(Array.from({ length: 64 }, (_, token) => [{ token }]));
    expect(provider.stats()).to.include({ timeouts: 0, waiting: 0, busy: 0 });
  });

  it('on one connection each caller has the answer to its own question, and its own failure', async () => {
    const provider = await openWarm({ pool: { max: 1 } });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 80 }), async (divisors) => {
        const outcomes = await Promise.allSettled(
          divisors.map((divisor, token) => run(provider, tokenQuery(provider, token, divisor))),
        );
        for (const [token, outcome] of outcomes.entries()) {
          if (divisors[token] === 0) {
            expect((outcome as PromiseRejectedResult).reason).to.be.instanceOf(QueryError);
          } else {
            expect((outcome as PromiseFulfilledResult<unknown>).value).to.deep.equal([{ token }]);
          }
        }
      }),
      { numRuns: soakCount(200) },
    );
    expect(provider.stats()).to.include({ created: 1, busy: 0, waiting: 0 });
  });

  it('but not with one that is slow', async () => {
    const provider = await openWarm({ pool: { max: 4 } });
    const lock = await holdLock(provider);
    const slow = run(provider, waitQuery(provider, lock.key));
    await until(() => provider.stats().busy === 2);
    // Whoever shared its connection would wait for it, and it waits for the end of this test.
    for (let round = 0; round < 20; round += 1) {
      await Promise.all([1, 2, 3].map((token) => run(provider, tokenQuery(provider, token, 1))));
    }
    await lock.release();
    await slow;
  });

  it('nor with one that was quick before and has been running for a while', async () => {
    const provider = await openWarm({ pool: { max: 4 } });
    const lock = await holdLock(provider);
    for (let use = 0; use < 5; use += 1) await run(provider, waitQuery(provider, lock.key + 1));
    const start = performance.now();
    const slow = run(provider, waitQuery(provider, lock.key));
    await until(() => performance.now() - start > 20);
    await Promise.all([1, 2, 3].map((token) => run(provider, tokenQuery(provider, token, 1))));
    await lock.release();
    await slow;
  });

  it('and make way for whoever waits for a connection of its own', async () => {
    const provider = await openWarm({ pool: { max: 1 } });
    let reading = true;
    const readers = Array.from({ length: 8 }, async () => {
      while (reading) await run(provider, tokenQuery(provider, 1, 1));
    });
    // Whoever waited for the end of the reads would wait for ever.
    for (let round = 0; round < 10; round += 1) {
      await provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id: round, name: null }).execute();
      });
    }
    reading = false;
    await Promise.all(readers);
  });

  it('never where one has a signal: it is cancelled alone', async () => {
    const provider = await openWarm({ pool: { max: 2 } });
    const controller = new AbortController();
    const slow = provider.db.selectNoFrom(sql`pg_sleep(${60})`.as('slept')).compile();
    const aborted = rejectionOf(provider.direct!.execute(slow, { signal: controller.signal }));
    await until(() => provider.stats().busy === 1);
    const neighbours = Promise.all([1, 2, 3].map((token) => run(provider, tokenQuery(provider, token, 1))));
    controller.abort(new Error('enough'));
    expect(await aborted).to.have.property('message', 'enough');
    expect(await neighbours).to.deep.equal([[{ token: 1 }], [{ token: 2 }], [{ token: 3 }]]);
    await until(() => provider.stats().busy === 0);
  });

  it('and leave what writes, locks or is not known to be quick to itself', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 4 } });
    const queries = [
      provider.db.selectFrom('items').selectAll().forUpdate().compile(),
      provider.db.selectNoFrom(sql`pg_sleep(${0.05})`.as('first')).compile(),
    ];
    await Promise.all(queries.flatMap((query) => [run(provider, query), run(provider, query)]));
    // One is opened for each, and kept where its caller was served by another one before it stood.
    await until(() => provider.stats().created === 4);
  });
});

/** A lock of the server in a transaction of its own. */
async function holdLock(
  provider: DatabaseProvider<Tables>,
): Promise<{ key: number; release: () => Promise<void> }> {
  const key = 1;
  const held = Promise.withResolvers<void>();
  const given = Promise.withResolvers<void>();
  const work = provider.transaction(async (tx) => {
    await sql`select pg_advisory_xact_lock(${key})`.execute(tx);
    held.resolve();
    await given.promise;
  });
  await held.promise;
  return {
    key,
    release() {
      given.resolve();
      return work;
    },
  };
}

/** A read that waits for a lock, and is quick where nobody has it. */
function waitQuery({ db }: DatabaseProvider<Tables>, key: number): CompiledQuery {
  return db.selectNoFrom(sql`pg_advisory_xact_lock(${key})`.as('waited')).compile();
}

function tokenQuery({ db }: DatabaseProvider<Tables>, token: number, divisor: number): CompiledQuery {
  const value = sql<number>`cast(${token} as integer) + 0 * (1 / cast(${divisor} as integer))`;
  return db.selectNoFrom(value.as('token')).compile();
}

async function run(provider: DatabaseProvider<Tables>, query: CompiledQuery): Promise<unknown[]> {
  const { rows } = await provider.direct!.execute(query);
  return rows;
}

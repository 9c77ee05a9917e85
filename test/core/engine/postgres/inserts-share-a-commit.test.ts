import { expect } from 'chai';
import fc from 'fast-check';
import type { CompiledQuery, QueryResult } from 'kysely';
import { UniqueViolationError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { soakCount } from '../../../support/engines.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

describeOnPostgres('inserts share a commit', (postgres) => {
  it('where they come together, and each has its own row back', async () => {
    const provider = await postgres.openWithItems();
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, id) => run(provider, insert(provider, id))),
    );
    expect(results.map(({ rows }) => rows)).to.deep.equal(Array.from({ length: 100 }, (_, id) => [{ id }]));
    for (const { numAffectedRows } of results) expect(numAffectedRows).to.equal(1n);
    const [row] = await provider.query<{ n: number }>(
      'select count(distinct xmin::text)::integer as n from items',
    );
    expect(row?.n).to.be.lessThan(20);
  });

  it('whichever of them fails, the others are applied once, and nobody hears of a neighbour', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 3 } });
    let base = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 60 }), async (keys) => {
        base += 1_000;
        const ids = keys.map((key) => base + key);
        const outcomes = await Promise.allSettled(ids.map((id) => run(provider, insert(provider, id))));
        const distinct = new Set(ids);
        const done = outcomes.filter(({ status }) => status === 'fulfilled');
        expect(done).to.have.lengthOf(distinct.size);
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') expect(outcome.reason).to.be.instanceOf(UniqueViolationError);
        }
        const rows = await provider.query('select id from items where id >= ?', [base]);
        expect(rows).to.have.lengthOf(distinct.size);
      }),
      { numRuns: soakCount(200) },
    );
    expect(provider.stats()).to.include({ busy: 0, waiting: 0 });
  });

  it('and one that takes long does so alone, so that nobody uses up the time of others', async () => {
    const provider = await postgres.openWithItems({ statementTimeout: 2_000 });
    await provider.exec(
      `create function linger() returns trigger language plpgsql
       as $$ begin perform pg_sleep(0.1); return new; end $$`,
    );
    await provider.exec(
      'create trigger linger before insert on items for each row execute function linger()',
    );
    const results = await Promise.all(
      Array.from({ length: 64 }, (_, id) => run(provider, insert(provider, id))),
    );
    expect(results.map(({ rows }) => rows)).to.deep.equal(Array.from({ length: 64 }, (_, id) => [{ id }]));
    expect(await provider.query('select id from items')).to.have.lengthOf(64);
  });

  it('where a constraint is only looked at when they commit, each is told for itself', async () => {
    const provider = await postgres.open();
    await provider.exec('create table items (id bigint unique deferrable initially deferred, name text)');
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 3, 4, 5, 5].map((id) => run(provider, insert(provider, id))),
    );
    const failed = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(failed).to.have.lengthOf(2);
    for (const { reason } of failed) expect(reason).to.be.instanceOf(UniqueViolationError);
    expect(await provider.query('select distinct id from items')).to.have.lengthOf(5);
  });

  it('one that has to wait for a lock waits alone', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 6 } });
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const holder = provider.transaction(async (tx) => {
      await tx.insertInto('items').values({ id: 50, name: 'held' }).execute();
      entered.resolve();
      await gate.promise;
    });
    await entered.promise;
    let isLockedDone = false;
    // The first goes at once, alone; the next ones make a group.
    const first = run(provider, insert(provider, 1));
    const waiting = run(provider, insert(provider, 50)).catch((error: unknown) => {
      isLockedDone = true;
      return error;
    });
    const others = Array.from({ length: 30 }, (_, index) => run(provider, insert(provider, index + 100)));
    await Promise.all([first, ...others]);
    expect(isLockedDone).to.equal(false);
    gate.resolve();
    await holder;
    expect(await waiting).to.be.instanceOf(UniqueViolationError);
  });
});

function insert({ db }: DatabaseProvider<Tables>, id: number): CompiledQuery {
  return db.insertInto('items').values({ id, name: 'one' }).returning('id').compile();
}

function run(provider: DatabaseProvider<Tables>, query: CompiledQuery): Promise<QueryResult<unknown>> {
  return provider.direct!.execute(query);
}

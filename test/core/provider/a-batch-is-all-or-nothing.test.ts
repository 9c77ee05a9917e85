import { expect } from 'chai';
import { CompiledQuery, sql, type KyselyPlugin } from 'kysely';
import { UniqueViolationError } from '../../../src/core/foundation/errors/constraint-errors.ts';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { prepare, type Param } from '../../../src/core/query/prepared-query.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { makeThing, openThings, type Tables } from '../repository/things.ts';

const idlePlugin: KyselyPlugin = {
  transformQuery: ({ node }) => node,
  transformResult: ({ result }) => Promise.resolve(result),
};

describeOnEachDatabase('a batch', (database) => {
  for (const [way, plugins] of [
    ['sent by the shortest way', []],
    ['sent through Kysely', [idlePlugin]],
  ] as const) {
    describe(way, () => {
      let provider: DatabaseProvider<Tables>;

      before(async () => {
        provider = await openThings(database, { plugins });
      });
      beforeEach(() => provider.db.deleteFrom('things').execute());
      after(() => provider.close());

      const insert = () =>
        prepare(provider, (db, param: Param<{ id: string; name: string }>) =>
          db.insertInto('things').values({ ...makeThing(), id: param('id'), name: param('name') }),
        );
      const names = () => prepare(provider, (db) => db.selectFrom('things').select('name').orderBy('name'));

      it('gives each member its own result, in order', async () => {
        const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
        const [first, before, second, rename, after, count] = await provider.batch([
          insert().with({ id: one, name: 'b' }),
          names().with({}),
          insert().with({ id: other, name: 'a' }),
          provider.db.updateTable('things').set({ score: 2 }).where('id', '=', one).returning('score'),
          names().with({}),
          sql<{ n: number }>`select count(*) as n from things`,
        ]);
        expect(first[0]?.numInsertedOrUpdatedRows).to.equal(1n);
        expect(second[0]?.numInsertedOrUpdatedRows).to.equal(1n);
        expect(before).to.deep.equal([{ name: 'b' }]);
        expect(rename).to.deep.equal([{ score: 2 }]);
        expect(after).to.deep.equal([{ name: 'a' }, { name: 'b' }]);
        expect(count).to.deep.equal([{ n: 2 }]);
        expect(await names().execute({})).to.deep.equal([{ name: 'a' }, { name: 'b' }]);
      });

      it('names each member that is none, and runs none of the others', async () => {
        const one = insert().with({ id: crypto.randomUUID(), name: 'a' });
        const members = [one, undefined, names(), 'select 1', null] as never;
        const error = (await rejectionOf(provider.batch(members))) as ValidationError;
        expect(error).to.be.instanceOf(ValidationError);
        expect(error.issues.map(({ path }) => path)).to.deep.equal([[1], [2], [3], [4]]);
        expect(await rejectionOf(provider.batch(undefined as never))).to.be.instanceOf(ValidationError);
        expect(await names().execute({})).to.deep.equal([]);
      });

      it('of nothing is nothing', async () => {
        expect(await provider.batch([])).to.deep.equal([]);
      });

      for (const place of [0, 1, 2, 3]) {
        it(`leaves nothing behind where member ${place} of 4 fails`, async () => {
          const taken = crypto.randomUUID();
          await insert().execute({ id: taken, name: 'there' });
          const members = Array.from({ length: 4 }, (_, index) =>
            insert().with({ id: index === place ? taken : crypto.randomUUID(), name: `n${index}` }),
          );
          expect(await rejectionOf(provider.batch(members))).to.be.instanceOf(UniqueViolationError);
          expect(await names().execute({})).to.deep.equal([{ name: 'there' }]);
          members[place] = insert().with({ id: crypto.randomUUID(), name: 'free' });
          expect(await provider.batch(members)).to.have.length(4);
          expect(await names().execute({})).to.have.length(5);
        });

        it(`leaves nothing behind where a value of member ${place} of 4 cannot be stored`, async () => {
          const members = Array.from({ length: 4 }, (_, index) =>
            insert().with({ id: crypto.randomUUID(), name: index === place ? 'nul \0' : `n${index}` }),
          );
          expect(await rejectionOf(provider.batch(members))).to.be.instanceOf(ValidationError);
          expect(await names().execute({})).to.deep.equal([]);
        });
      }

      it('stands beside others that come at the same time', async () => {
        const taken = crypto.randomUUID();
        await insert().execute({ id: taken, name: 'there' });
        const outcomes = await Promise.allSettled(
          Array.from({ length: 20 }, (_, index) =>
            provider.batch([
              insert().with({ id: crypto.randomUUID(), name: `a${index}` }),
              insert().with({ id: index % 3 === 0 ? taken : crypto.randomUUID(), name: `b${index}` }),
            ]),
          ),
        );
        const kept = outcomes.flatMap(({ status }, index) =>
          status === 'fulfilled' ? [{ name: `a${index}` }, { name: `b${index}` }] : [],
        );
        expect(kept).to.have.length(26);
        expect(await names().execute({})).to.have.deep.members([{ name: 'there' }, ...kept]);
      });

      it('fails whole where the statement is none', async () => {
        const broken = CompiledQuery.raw('selec 1');
        const members = [insert().with({ id: crypto.randomUUID(), name: 'n' }), broken];
        await rejectionOf(provider.batch(members));
        expect(await names().execute({})).to.deep.equal([]);
      });
    });
  }
});

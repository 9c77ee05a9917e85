import { expect } from 'chai';
import fc from 'fast-check';
import { CamelCasePlugin, sql, type KyselyPlugin } from 'kysely';
import { NotFoundError } from '../../../src/core/foundation/errors/entity-errors.ts';
import {
  ReadOnlyDatabaseError,
  TransactionClosedError,
} from '../../../src/core/foundation/errors/transaction-errors.ts';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import { DatabaseProviderFactory } from '../../../src/core/provider/database-provider-factory.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { prepare, type Param } from '../../../src/core/query/prepared-query.ts';
import { CompileCounter } from '../../support/compile-counter.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { integers, makeThing, openThings, texts, thingLists, type Tables } from '../repository/things.ts';

/** Takes part in everything and changes nothing, so that statements go through Kysely. */
const idlePlugin: KyselyPlugin = {
  transformQuery: ({ node }) => node,
  transformResult: ({ result }) => Promise.resolve(result),
};

async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const collected: Value[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

describeOnEachDatabase('a prepared query', (database) => {
  for (const [way, plugins] of [
    ['by the shortest way', []],
    ['through Kysely', [idlePlugin]],
  ] as const) {
    describe(way, () => {
      let provider: DatabaseProvider<Tables>;

      before(async () => {
        provider = await openThings(database, { plugins });
      });
      beforeEach(() => provider.db.deleteFrom('things').execute());
      after(() => provider.close());

      const insert = () =>
        prepare(provider, (db, param: Param<{ id: string; name: string; score: number }>) =>
          db.insertInto('things').values({
            ...makeThing(),
            id: param('id'),
            name: param('name'),
            score: param('score'),
          }),
        );

      it('finds what the plain query finds, in and outside of transactions', async () => {
        const found = prepare(provider, (db, param: Param<{ low: number; name: string; limit: number }>) =>
          db
            .selectFrom('things')
            .selectAll()
            .where('score', '>=', param('low'))
            // Twice, and beside a value of its own.
            .where((eb) =>
              eb.or([eb('name', '<', param('name')), eb('label', '=', param('name')), eb('version', '=', 2)]),
            )
            .orderBy('id')
            .limit(param('limit')),
        );
        await fc.assert(
          fc.asyncProperty(
            thingLists,
            integers,
            texts,
            fc.integer({ min: 0, max: 8 }),
            async (things, low, name, limit) => {
              await provider.db.deleteFrom('things').execute();
              if (things.length > 0) await provider.db.insertInto('things').values(things).execute();
              const plain = await provider.db
                .selectFrom('things')
                .selectAll()
                .where('score', '>=', low)
                .where((eb) => eb.or([eb('name', '<', name), eb('label', '=', name), eb('version', '=', 2)]))
                .orderBy('id')
                .limit(limit)
                .execute();
              const params = { low, name, limit };
              expect(await found.execute(params)).to.deep.equal(plain);
              expect(await found.first(params)).to.deep.equal(plain[0]);
              expect(await collect(found.stream(params, { chunkSize: 3 }))).to.deep.equal(plain);
              const inside = await provider.transaction(async (tx) => [
                await found.execute(params, { on: tx }),
                await collect(found.stream(params, { chunkSize: 2, on: tx })),
              ]);
              expect(inside).to.deep.equal([plain, plain]);
            },
          ),
          { numRuns: soakCount(200) },
        );
      });

      it('gives the results that the builders give, with and without RETURNING', async () => {
        const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
        const rename = prepare(provider, (db, param: Param<{ id: string; name: string }>) =>
          db
            .updateTable('things')
            .set({ name: param('name') })
            .where('id', '=', param('id')),
        );
        const remove = prepare(provider, (db, param: Param<{ id: string }>) =>
          db.deleteFrom('things').where('id', '=', param('id')).returning(['id', 'name']),
        );
        const count = prepare(
          provider,
          (_db, param: Param<{ name: string }>) =>
            sql<{ n: number }>`select count(*) as n from things where name = ${param('name')}`,
        );
        const plain = await provider.db
          .insertInto('things')
          .values(makeThing({ id: one, name: 'n' }))
          .execute();
        const [inserted] = await insert().execute({ id: other, name: 'n', score: 1 });
        expect(inserted?.constructor).to.equal(plain[0]?.constructor);
        expect(inserted?.numInsertedOrUpdatedRows).to.equal(plain[0]?.numInsertedOrUpdatedRows);
        expect(await count.execute({ name: 'n' })).to.deep.equal([{ n: 2 }]);
        expect((await rename.first({ id: one, name: 'm' }))?.numUpdatedRows).to.equal(1n);
        expect((await rename.first({ id: crypto.randomUUID(), name: 'm' }))?.numUpdatedRows).to.equal(0n);
        expect(await remove.execute({ id: one })).to.deep.equal([{ id: one, name: 'm' }]);
        expect(await remove.execute({ id: one })).to.deep.equal([]);
        expect(await rejectionOf(remove.firstOrThrow({ id: one }))).to.be.instanceOf(NotFoundError);
        expect((await remove.firstOrThrow({ id: other })).name).to.equal('n');
      });

      it('takes un-annotated parameters, and as many kinds as the engine has', async () => {
        const byAny = prepare(provider, (db, param) =>
          db
            .selectFrom('things')
            .select('id')
            .where('name', '=', param('name'))
            .where('bytes', '=', param('bytes')),
        );
        const bytes = Buffer.from([1, 2, 0]);
        const thing = makeThing({ name: 'bytes', bytes });
        await provider.db.insertInto('things').values(thing).execute();
        expect(await byAny.execute({ name: 'bytes', bytes })).to.deep.equal([{ id: thing.id }]);
        expect(await byAny.execute({ name: 'bytes', bytes: null })).to.deep.equal([]);
      });

      it(
        database.name === 'postgres'
          ? 'takes a list as one parameter'
          : 'refuses a list as a parameter, which SQLite has not',
        async () => {
          const byIds = prepare(provider, (db, param: Param<{ ids: string[] }>) =>
            db
              .selectFrom('things')
              .select('id')
              .where(
                database.name === 'postgres'
                  ? sql<boolean>`id = any(${param('ids')})`
                  : sql<boolean>`id = ${param('ids')}`,
              ),
          );
          const things = [makeThing(), makeThing(), makeThing()];
          await provider.db.insertInto('things').values(things).execute();
          const ids = things.slice(1).map(({ id }) => id);
          if (database.name === 'postgres') {
            const found = await byIds.execute({ ids });
            expect(found.map(({ id }) => id)).to.have.members(ids);
          } else {
            expect(await rejectionOf(byIds.execute({ ids }))).to.be.instanceOf(ValidationError);
          }
        },
      );

      it('names every parameter that is missing or unknown, and no value', async () => {
        const query = insert();
        const wrong = { id: undefined, nam: 's3cret', score: 1 } as never;
        for (const failure of [
          rejectionOf(query.execute(wrong)),
          rejectionOf(query.first(wrong)),
          rejectionOf(query.firstOrThrow(wrong)),
          rejectionOf(query.stream(wrong).next()),
          rejectionOf((async () => query.with(wrong))()),
        ]) {
          const error = (await failure) as ValidationError;
          expect(error).to.be.instanceOf(ValidationError);
          expect(error.issues.map(({ path }) => path[0])).to.deep.equal(['id', 'name', 'nam']);
          expect(error.message).not.to.contain('s3cret');
        }
        const tooMany = { id: crypto.randomUUID(), name: 'n', score: 1, rank: 1 };
        const surplus = (await rejectionOf(query.execute(tooMany))) as ValidationError;
        expect(surplus.issues.map(({ path }) => path[0])).to.deep.equal(['rank']);
        expect(await rejectionOf(query.execute(null as never))).to.be.instanceOf(ValidationError);
        const inherited = prepare(provider, (db, param) =>
          db.selectFrom('things').select('id').where('name', '=', param('toString')),
        );
        expect(await rejectionOf(inherited.execute({}))).to.be.instanceOf(ValidationError);
        expect(await inherited.execute({ toString: 'x' })).to.deep.equal([]);
      });

      it('belongs to the transaction that it is given', async () => {
        const id = crypto.randomUUID();
        const failed = await rejectionOf(
          provider.transaction(async (tx) => {
            await insert().execute({ id, name: 'n', score: 1 }, { on: tx });
            throw new Error('undo');
          }),
        );
        expect(failed).to.have.property('message', 'undo');
        expect(await provider.db.selectFrom('things').selectAll().execute()).to.deep.equal([]);
        const refused = provider.transaction(
          (tx) => insert().execute({ id, name: 'n', score: 1 }, { on: tx }),
          { readOnly: true },
        );
        expect(await rejectionOf(refused)).to.be.instanceOf(ReadOnlyDatabaseError);
        const ended = await provider.transaction((tx) => Promise.resolve(tx));
        const late = await rejectionOf(insert().execute({ id, name: 'n', score: 1 }, { on: ended }));
        expect(late).to.be.instanceOf(TransactionClosedError);
        expect(await provider.db.selectFrom('things').selectAll().execute()).to.deep.equal([]);
      });

      it('refuses to run on what is no handle', async () => {
        const params = { id: crypto.randomUUID(), name: 'n', score: 1 };
        for (const on of [provider, null, 'tx'] as never[]) {
          expect(await rejectionOf(insert().execute(params, { on }))).to.be.instanceOf(ValidationError);
          expect(await rejectionOf(insert().stream(params, { on }).next())).to.be.instanceOf(ValidationError);
        }
        expect(await provider.db.selectFrom('things').selectAll().execute()).to.deep.equal([]);
      });

      it('is not sent once its signal has been raised', async () => {
        const reason = new Error('no longer needed');
        const signal = AbortSignal.abort(reason);
        const params = { id: crypto.randomUUID(), name: 'n', score: 1 };
        const outside = await rejectionOf(insert().execute(params, { signal }));
        expect(outside).to.equal(reason);
        await provider.transaction(async (tx) => {
          expect(await rejectionOf(insert().execute(params, { on: tx, signal }))).to.equal(reason);
        });
        expect(await provider.db.selectFrom('things').selectAll().execute()).to.deep.equal([]);
      });

      it('streams until its reader has enough, and gives the connection back', async () => {
        const all = prepare(provider, (db, param: Param<{ low: number }>) =>
          db.selectFrom('things').select('score').where('score', '>=', param('low')).orderBy('score'),
        );
        const things = Array.from({ length: 50 }, (_, score) => makeThing({ score }));
        await provider.db.insertInto('things').values(things).execute();
        const seen: number[] = [];
        for await (const { score } of all.stream({ low: 10 }, { chunkSize: 4 })) {
          seen.push(score);
          if (seen.length === 7) break;
        }
        expect(seen).to.deep.equal([10, 11, 12, 13, 14, 15, 16]);
        expect(await insert().execute({ id: crypto.randomUUID(), name: 'n', score: 1 })).to.have.length(1);
      });
    });
  }

  it('is built and compiled once, at its first use', async () => {
    let builds = 0;
    const compiled = new CompileCounter();
    const provider = await openThings(database, { engines: compiled.engines });
    const query = prepare(provider, (db, param: Param<{ name: string }>) => {
      builds += 1;
      return db.selectFrom('things').select('id').where('name', '=', param('name'));
    });
    compiled.count = 0;
    expect(builds).to.equal(0);
    for (const name of ['a', 'b', 'c']) {
      await query.execute({ name });
      await provider.transaction((tx) => query.first({ name }, { on: tx }));
    }
    expect([builds, compiled.count]).to.deep.equal([1, 1]);
    await provider.close();
  });

  it('goes by the plugins of the provider, and by those of the handle that it is given', async () => {
    interface CamelTables {
      things: { id: string; createdAt: number };
    }
    const plain = await openThings(database);
    const thing = makeThing({ created_at: 7 });
    await plain.db.insertInto('things').values(thing).execute();
    const query = (on: DatabaseProvider<CamelTables>) =>
      prepare(on, (db, param: Param<{ at: number }>) =>
        db.selectFrom('things').select(['id', 'createdAt']).where('createdAt', '=', param('at')),
      );
    const rows = [{ id: thing.id, createdAt: 7 }];
    const untyped = plain as unknown as DatabaseProvider<CamelTables>;
    const camel = untyped.db.withPlugin(new CamelCasePlugin());
    expect(await query(untyped).execute({ at: 7 }, { on: camel })).to.deep.equal(rows);
    expect(await query(untyped).first({ at: 8 }, { on: camel })).to.equal(undefined);
    await plain.close();

    const own = DatabaseProviderFactory.createProvider<CamelTables>(await database.freshUrl(), {
      plugins: [new CamelCasePlugin()],
    });
    await own.exec('create table things (id text, created_at bigint)');
    await own.db.insertInto('things').values({ id: 'x', createdAt: 7 }).execute();
    expect(await query(own).execute({ at: 7 })).to.deep.equal([{ id: 'x', createdAt: 7 }]);
    const inside = await own.transaction((tx) => query(own).execute({ at: 7 }, { on: tx }));
    expect(inside).to.deep.equal([{ id: 'x', createdAt: 7 }]);
    expect(await own.batch([query(own).with({ at: 7 })])).to.deep.equal([[{ id: 'x', createdAt: 7 }]]);
    await own.close();
  });
});

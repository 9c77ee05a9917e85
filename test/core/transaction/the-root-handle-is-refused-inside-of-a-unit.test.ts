import { expect } from 'chai';
import { sql } from 'kysely';
import {
  DatabaseProviderFactory,
  LiminalDataError,
  NestedAcquireError,
  OutsideTransactionError,
  outside,
  prepare,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { Migrator, defineMigrationSet } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { createThingRepository, makeThing, openThings, type Tables } from '../repository/things.ts';
import { openUnits, scored, unitsOf, type Units } from './units.ts';

/** For how long whoever waits for a connection does so, in ms: `pool.acquireTimeout` where nothing is set. */
const timeToWait = 5_000;

type Wrap = (work: () => Promise<void>) => Promise<unknown>;

describeOnEachDatabase('the root handle is refused inside of a unit', (database) => {
  let units: Units;
  let other: DatabaseProvider<Tables>;

  before(async () => {
    units = await openUnits(database);
    other = await openThings(database);
  });
  beforeEach(() => units.provider.db.deleteFrom('things').execute());
  afterEach(() => until(() => units.provider.stats().busy === 0));
  after(() => Promise.all([units.provider.close(), other.close()]));

  function waysIn(): Record<string, () => unknown> {
    const { provider, unitOfWork } = units;
    const { db } = provider;
    return {
      'the query builder': () => db.selectFrom('things').selectAll().execute(),
      'its stream': () => db.selectFrom('things').selectAll().stream(1)[Symbol.asyncIterator]().next(),
      'raw SQL': () => sql`select 1`.execute(db),
      'a compiled query': () => db.executeQuery(db.selectFrom('things').selectAll().compile()),
      'the schema builder': () => db.schema.dropTable('nothing').execute(),
      'db.transaction': () => db.transaction().execute(async () => undefined),
      'db.startTransaction': () => db.startTransaction().execute(),
      'db.connection': () => db.connection().execute(async () => undefined),
      'db with a schema': () => db.withSchema('public').selectFrom('things').selectAll().execute(),
      'db without plugins': () => db.withoutPlugins().selectFrom('things').selectAll().execute(),
      'db.introspection': () => db.introspection.getTables(),
      query: () => provider.query('select 1'),
      exec: () => provider.exec('delete from things'),
      batch: () => provider.batch([db.selectFrom('things').selectAll()]),
      transaction: () => provider.transaction(async () => undefined),
      'a prepared query': () =>
        prepare(provider, (root) => root.selectFrom('things').selectAll()).execute({}),
      'a repository that reads': () => createThingRepository(provider).findMany({}),
      'a repository that writes': () => createThingRepository(provider).insert(makeThing()),
      'a repository that streams': () => createThingRepository(provider).stream({}).next(),
      'a bound repository that is told otherwise': () =>
        createThingRepository(provider).findMany({}, { on: db }),
      begin: () => unitOfWork.begin(),
      'a unit that is never to be inside': () =>
        unitOfWork.run(async () => undefined, { propagation: 'never' }),
    };
  }

  const frames: Record<string, Wrap> = {
    'a unit': (work) => units.unitOfWork.run(work),
    'a nested unit': (work) => units.unitOfWork.run(() => units.unitOfWork.run(work)),
    'a joined unit': (work) =>
      units.unitOfWork.run(() => units.unitOfWork.run(work, { propagation: 'join' })),
    'provider.transaction': (work) => units.provider.transaction(work),
    'db.transaction()': (work) => units.provider.db.transaction().execute(work),
    'a nested unit of an explicit one': async (work) => {
      await using unit = await units.unitOfWork.begin();
      await unit.run(work);
    },
  };

  for (const [frame, wrap] of Object.entries(frames)) {
    it(`in ${frame}, whichever way it is used, and at once`, async () => {
      await wrap(async () => {
        const start = performance.now();
        for (const [way, use] of Object.entries(waysIn())) {
          const outcome = await rejectionOf((async () => use())());
          expect(outcome, way).to.be.instanceOf(OutsideTransactionError);
        }
        expect(performance.now() - start).to.be.lessThan(timeToWait);
      });
      // And behind it everything goes on.
      await units.provider.query('select 1');
    });
  }

  it('not that of another database, nor another provider of it', async () => {
    await units.unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(scored(1));
      await createThingRepository(other).insert(scored(2));
      await other.transaction((tx) => tx.insertInto('things').values(scored(3)).execute());
      await unitsOf(other).unitOfWork.run(async (inner) => {
        await inner.repositories.things.insert(scored(4));
        await things.insert(scored(5));
        expect(await rejectionOf(units.provider.query('select 1'))).to.be.instanceOf(OutsideTransactionError);
      });
    });
    expect(await units.scores()).to.deep.equal([1, 5]);
  });

  it('not for those who run beside it', async () => {
    const entered = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const unit = units.unitOfWork.run(
      async () => {
        entered.resolve();
        await left.promise;
      },
      { readOnly: true },
    );
    await entered.promise;
    const beside = units.provider.query('select 1 as one');
    if (database.name !== 'sqlite-memory') expect(await beside).to.deep.equal([{ one: 1 }]);
    left.resolve();
    await Promise.all([unit, beside]);
  });

  it('two that plain Kysely runs beside each other, and what comes behind them, know nothing of one another', async () => {
    const { provider } = units;
    const run = (score: number) =>
      provider.db.transaction().execute(async (tx) => {
        await tx.insertInto('things').values(scored(score)).execute();
        expect(await rejectionOf(provider.query('select 1'))).to.be.instanceOf(OutsideTransactionError);
      });
    await Promise.all([
      run(1),
      run(2),
      provider.query('select 1'),
      units.unitOfWork.run(({ repositories }) => repositories.things.insert(scored(3))),
    ]);
    await provider.query('select 1');
    expect(await units.scores()).to.deep.equal([1, 2, 3]);
  });

  it('a transaction on a connection that somebody keeps puts its own work inside, and nobody else', async () => {
    const { provider, unitOfWork } = units;
    const hasRoom = database.name !== 'sqlite-memory';
    await provider.db.connection().execute(async (held) => {
      for (const handle of [held, held.withSchema(database.name === 'postgres' ? 'public' : 'main')]) {
        for (const isKept of [true, false]) {
          const transaction = handle.transaction().execute(async (tx) => {
            await sql`select 1`.execute(tx);
            expect(await rejectionOf(provider.query('select 1'))).to.be.instanceOf(OutsideTransactionError);
            if (!isKept) throw new Error('mine');
          });
          // In the very turn in which it was begun, and behind its end.
          const beside = hasRoom ? provider.query('select 1') : undefined;
          expect((await Promise.allSettled([transaction]))[0].status).to.equal(
            isKept ? 'fulfilled' : 'rejected',
          );
          await beside;
          await sql`select 1`.execute(held);
          if (!hasRoom) continue;
          await provider.query('select 1');
          await unitOfWork.run(({ db }) => sql`select 1`.execute(db), { readOnly: true });
        }
      }
    });
  });

  it('a controlled transaction of Kysely puts nobody inside', async () => {
    const { db } = units.provider;
    const controlled = await db.startTransaction().execute();
    await controlled.insertInto('things').values(scored(1)).execute();
    if (database.name !== 'sqlite-memory') expect(await units.scores()).to.deep.equal([]);
    await controlled.commit().execute();
    expect(await units.scores()).to.deep.equal([1]);
  });

  it('and so is a Migrator on it', async () => {
    const history = defineMigrationSet({
      name: 'inside',
      migrations: [{ name: '0001-nothing', up: async () => undefined, down: async () => undefined }],
    });
    await units.unitOfWork.run(async () => {
      const start = performance.now();
      const error = await rejectionOf(new Migrator(units.provider, history).latest());
      expect(error).to.be.instanceOf(LiminalDataError);
      expect(performance.now() - start).to.be.lessThan(timeToWait);
    });
    await new Migrator(units.provider, history).latest();
  });

  it('what only asks how things are is allowed', async () => {
    await units.unitOfWork.run(async () => {
      expect(units.provider.stats().busy).to.equal(1);
      const report = await units.provider.healthCheck();
      expect(report.healthy).to.equal(true);
      expect(report.error).to.equal(undefined);
    });
  });

  it('`outside` lets it pass, with all that it starts, and says at once where it would wait for itself', async () => {
    for (const wrap of [
      frames['a unit'],
      frames['provider.transaction'],
      frames['db.transaction()'],
    ] as Wrap[]) {
      await units.provider.db.deleteFrom('things').execute();
      const outcome = wrap(async () => {
        const read = outside(() => units.provider.query('select 1'));
        const write = outside(async () => {
          await Promise.resolve();
          return createThingRepository(units.provider).insert(scored(1));
        });
        const outcomes = await Promise.allSettled([read, write]);
        for (const [index, settled] of outcomes.entries()) {
          if (database.name === 'postgres' || (database.name === 'sqlite-file' && index === 0))
            expect(settled.status).to.equal('fulfilled');
          else expect((settled as PromiseRejectedResult).reason).to.be.instanceOf(NestedAcquireError);
        }
        throw new Error('mine');
      });
      expect(await rejectionOf(outcome)).to.include({ message: 'mine' });
      expect(await units.scores()).to.deep.equal(database.name === 'postgres' ? [1] : []);
    }
  });
});

describeOnDatabase('postgres', 'a pool of one', (database) => {
  it('says at once that a unit would wait for itself', async () => {
    const url = await database.freshUrl();
    await using provider = DatabaseProviderFactory.createProvider<Tables>({ url, pool: { max: 1 } });
    const { unitOfWork } = unitsOf(provider);
    await unitOfWork.run(async ({ db }) => {
      await sql`select 1`.execute(db);
      const start = performance.now();
      for (const use of [
        () => outside(() => provider.query('select 1')),
        () => outside(() => provider.transaction(async (tx) => sql`select 1`.execute(tx))),
        () => unitOfWork.run(async () => undefined, { propagation: 'new' }),
      ])
        expect(await rejectionOf(use())).to.be.instanceOf(NestedAcquireError);
      expect(await provider.healthCheck()).to.include({ healthy: true, version: undefined });
      expect(performance.now() - start).to.be.lessThan(timeToWait);
    });
  });
});

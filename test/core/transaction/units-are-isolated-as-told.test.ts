import { expect } from 'chai';
import { sql, type Kysely } from 'kysely';
import { DatabaseProviderFactory, ReadOnlyDatabaseError, outside } from '../../../src/core/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { createThingRepository, openThings, type Tables } from '../repository/things.ts';
import { openUnits, scored, unitsOf, type Units } from './units.ts';

describeOnEachDatabase('units are isolated as told', (database) => {
  let units: Units;

  before(async () => {
    units = await openUnits(database);
  });
  beforeEach(() => units.provider.db.deleteFrom('things').execute());
  afterEach(() => expect(units.provider.stats()).to.include({ busy: 0, waiting: 0 }));
  after(() => units.provider.close());

  it('no update is lost among those that read first', async () => {
    const id = crypto.randomUUID();
    await createThingRepository(units.provider).insert(scored(0, id));
    await Promise.all(
      Array.from({ length: 8 }, () =>
        units.unitOfWork.run(
          async ({ db }) => {
            const { score } = await db
              .selectFrom('things')
              .select('score')
              .where('id', '=', id)
              .executeTakeFirstOrThrow();
            await db
              .updateTable('things')
              .set({ score: score + 1 })
              .where('id', '=', id)
              .execute();
          },
          { retry: { attempts: 30 } },
        ),
      ),
    );
    expect(await units.scores()).to.deep.equal([8]);
  });

  it('every level is taken, and a unit of its own is serializable', async () => {
    if (database.name !== 'postgres') {
      for (const isolation of [
        'read uncommitted',
        'read committed',
        'repeatable read',
        'serializable',
      ] as const)
        await units.unitOfWork.run(({ repositories: { things } }) => things.insert(scored(1)), { isolation });
      expect(await units.scores()).to.have.length(4);
      return;
    }
    const level = async (db: Kysely<Tables>): Promise<string | undefined> => {
      const { rows } = await sql<{
        level: string;
      }>`select current_setting('transaction_isolation') as level`.execute(db);
      return rows[0]?.level;
    };
    expect(await units.unitOfWork.run(({ db }) => level(db))).to.equal('serializable');
    expect(await units.unitOfWork.run(({ db }) => level(db), { isolation: 'repeatable read' })).to.equal(
      'repeatable read',
    );
    expect(await units.provider.transaction(level)).to.equal('read committed');
    const others = unitsOf(units.provider, { isolation: 'read committed' });
    expect(await others.unitOfWork.run(({ db }) => level(db))).to.equal('read committed');
    await using unit = await units.unitOfWork.begin();
    expect(await level(unit.db)).to.equal('serializable');
  });

  it('one that only reads refuses to write, and undoes nothing but itself', async () => {
    const write = units.unitOfWork.run(({ repositories: { things } }) => things.insert(scored(1)), {
      readOnly: true,
    });
    expect(await rejectionOf(write)).to.be.instanceOf(ReadOnlyDatabaseError);
    const nested = units.unitOfWork.run(
      () => units.unitOfWork.run(({ repositories: { things } }) => things.insert(scored(1))),
      { readOnly: true },
    );
    expect(await rejectionOf(nested)).to.be.instanceOf(ReadOnlyDatabaseError);
    await units.unitOfWork.run(({ repositories: { things } }) => things.insert(scored(2)));
    expect(await units.scores()).to.deep.equal([2]);
  });

  it('nobody sees what is not committed', async () => {
    if (database.name === 'sqlite-memory') return;
    const written = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<void>();
    const writer = units.unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insert(scored(1));
      written.resolve();
      await seen.promise;
    });
    await written.promise;
    expect(await units.scores()).to.deep.equal([]);
    expect(
      await units.unitOfWork.run(({ repositories: { things } }) => things.count({}), { readOnly: true }),
    ).to.equal(0);
    seen.resolve();
    await writer;
    expect(await units.scores()).to.deep.equal([1]);
  });
});

for (const workers of [0, 1]) {
  describeOnDatabase('sqlite-file', `a unit that only reads, with ${workers} worker threads`, (database) => {
    it('sees one snapshot while others commit, and keeps nobody from writing', async () => {
      const made = await openThings(database);
      const [file] = await made.query<{ file: string }>('pragma database_list');
      await made.close();
      await using provider = DatabaseProviderFactory.createProvider<Tables>({
        type: 'sqlite',
        connection: { filename: file?.file ?? '', workers },
      });
      const { unitOfWork, scores } = unitsOf(provider);
      await unitOfWork.run(({ repositories: { things } }) => things.insert(scored(1)));
      await unitOfWork.run(
        async ({ repositories: { things } }) => {
          expect(await things.count({})).to.equal(1);
          await outside(() => unitOfWork.run((other) => other.repositories.things.insert(scored(2))));
          expect(await things.count({})).to.equal(1);
          await unitOfWork.run(async (nested) =>
            expect(await nested.repositories.things.count({})).to.equal(1),
          );
        },
        { readOnly: true },
      );
      expect(await scores()).to.deep.equal([1, 2]);
      const write = unitOfWork.run(({ repositories: { things } }) => things.insert(scored(3)), {
        readOnly: true,
      });
      expect(await rejectionOf(write)).to.be.instanceOf(ReadOnlyDatabaseError);
    });
  });
}

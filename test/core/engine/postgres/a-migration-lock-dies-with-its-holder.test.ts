import { expect } from 'chai';
import { sql, type Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { DatabaseBusyError, systemClock, type DatabaseProvider } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

describeOnPostgres('a migration lock dies with its holder', (postgres) => {
  const locked = <Result>(
    provider: DatabaseProvider<Tables>,
    name: string,
    timeout: number,
    work: (db: Kysely<Tables>) => Promise<Result>,
  ): Promise<Result> =>
    provider.db
      .connection()
      .execute((db) =>
        provider.migrations.withLock(
          db as unknown as Kysely<unknown>,
          name,
          { timeout, clock: systemClock },
          () => work(db),
        ),
      );

  it('lets one in at a time, and everybody in the end', async () => {
    const provider = await postgres.open();
    let inside = 0;
    let most = 0;
    const work = async (db: Kysely<Tables>) => {
      inside += 1;
      most = Math.max(most, inside);
      await sql`select pg_sleep(0.01)`.execute(db);
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 8 }, () => locked(provider, 'one', 10_000, work)));
    expect(most).to.equal(1);
  });

  it('two sets do not wait for each other', async () => {
    const provider = await postgres.open();
    await locked(provider, 'one', 0, () => locked(provider, 'two', 0, () => Promise.resolve()));
  });

  it('gives up at its timeout', async () => {
    const provider = await postgres.open();
    await locked(provider, 'one', 0, async () => {
      const start = performance.now();
      const outcome = locked(provider, 'one', 100, () => Promise.resolve());
      expect(await rejectionOf(outcome)).to.be.instanceOf(DatabaseBusyError);
      expect(performance.now() - start).to.be.within(95, 1_000);
    });
  });

  it('is free again after work that fails, and the error of the work comes out', async () => {
    const provider = await postgres.open({ pool: { max: 1 } });
    const mine = new Error('mine');
    expect(await rejectionOf(locked(provider, 'one', 0, () => Promise.reject(mine)))).to.equal(mine);
    await locked(provider, 'one', 0, () => Promise.resolve());
    expect(provider.stats()).to.include({ created: 1 });
  });

  it('is free again when the connection is killed, and the error of the work comes out', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.open({ url });
    const mine = new Error('mine');
    const outcome = locked(provider, 'one', 0, async () => {
      await postgres.killSessions(url);
      throw mine;
    });
    expect(await rejectionOf(outcome)).to.equal(mine);
    await locked(provider, 'one', 5_000, () => Promise.resolve());
  });

  it("Kysely's own Migrator in a transaction shows the first error, and leaves neither table nor lock", async () => {
    const provider = await postgres.open({ pool: { max: 1 } });
    const migrations = {
      '0001': {
        async up(db: Kysely<unknown>) {
          await db.schema.createTable('half').addColumn('id', 'integer').execute();
          await sql`select 1 / 0`.execute(db);
        },
      },
    };
    const failure = await rejectionOf(
      provider.db.transaction().execute(async (db) => {
        const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
        const { error } = await migrator.migrateToLatest();
        if (error !== undefined) throw error as Error;
      }),
    );
    expect(failure).to.include({ driverCode: '22012' });
    expect(await provider.query(`select to_regclass('half') as half`)).to.deep.equal([{ half: null }]);
    expect(
      await provider.query(`select 1 from pg_locks
      where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`),
    ).to.deep.equal([]);
  });
});

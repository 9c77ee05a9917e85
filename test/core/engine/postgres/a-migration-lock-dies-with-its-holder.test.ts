import { expect } from 'chai';
import { sql, type Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import {
  ConnectionError,
  DatabaseBusyError,
  systemClock,
  type Clock,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

describeOnPostgres('a migration lock dies with its holder', (postgres) => {
  const locked = <Result>(
    provider: DatabaseProvider<Tables>,
    timeout: number,
    work: (db: Kysely<Tables>) => Promise<Result>,
    clock: Clock = systemClock,
  ): Promise<Result> =>
    provider.db
      .connection()
      .execute((db) =>
        provider.migrations.lock.holdRun(db, { owner: crypto.randomUUID(), timeout, clock }, () => work(db)),
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
    await Promise.all(Array.from({ length: 8 }, () => locked(provider, 10_000, work)));
    expect(most).to.equal(1);
  });

  it('is held by the transaction of a step as well, and lets the run that holds it take its steps', async () => {
    const provider = await postgres.open();
    const { lock } = provider.migrations;
    const step = () => provider.db.transaction().execute((trx) => lock.takeStep(trx, 'another'));
    await locked(provider, 0, async (db) => {
      expect(await rejectionOf(step())).to.be.instanceOf(DatabaseBusyError);
      await db.transaction().execute((trx) => lock.takeStep(trx, 'own'));
    });
    await step();
  });

  it('names who holds it, and can be taken away', async () => {
    const provider = await postgres.open();
    const { lock } = provider.migrations;
    expect(await lock.findHolder(provider.db)).to.equal(undefined);
    const outcome = locked(provider, 0, async (db) => {
      const holder = await lock.findHolder(provider.db);
      expect(holder?.description).to.match(/^the server's process \d+/);
      await lock.break(provider.db);
      await sql`select 1`.execute(db);
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(ConnectionError);
    expect(await lock.findHolder(provider.db)).to.equal(undefined);
  });

  it('gives up at its timeout', async () => {
    const provider = await postgres.open();
    await locked(provider, 0, async () => {
      const clock = new FakeClock();
      const outcome = rejectionOf(locked(provider, 10_000, () => Promise.resolve(), clock));
      // Only the pauses between its questions take time on this clock, and the last one may end behind the timeout.
      await clock.runUntil(outcome, { step: 1, limit: 1e9 });
      expect(await outcome).to.be.instanceOf(DatabaseBusyError);
    });
  });

  it('is free again after work that fails, and the error of the work comes out', async () => {
    const provider = await postgres.open({ pool: { max: 1 } });
    const mine = new Error('mine');
    expect(await rejectionOf(locked(provider, 0, () => Promise.reject(mine)))).to.equal(mine);
    await locked(provider, 0, () => Promise.resolve());
    expect(provider.stats()).to.include({ created: 1 });
  });

  it('is free again when the connection is killed, and the error of the work comes out', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.open({ url });
    const mine = new Error('mine');
    const outcome = locked(provider, 0, async () => {
      await postgres.killSessions(url);
      throw mine;
    });
    expect(await rejectionOf(outcome)).to.equal(mine);
    await locked(provider, 5_000, () => Promise.resolve());
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

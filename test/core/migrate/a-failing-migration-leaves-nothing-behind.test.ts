import { expect } from 'chai';
import { sql, type Kysely } from 'kysely';
import { MigrationError, QueryError, type DatabaseProvider } from '../../../src/core/index.ts';
import { Migrator, type NamedMigration } from '../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { first, listTables, notes, notesWith, openUntyped, second, third } from './sample-history.ts';

const reason = new Error('a reason');
const noError = undefined as unknown as Error;

/** Does what a migration does, then fails in some way. */
function failing(migration: NamedMigration, fail: NamedMigration['up']): NamedMigration {
  return {
    name: migration.name,
    async up(db, t) {
      await migration.up(db, t);
      await fail(db, t);
    },
    async down(db, t) {
      await migration.down?.(db, t);
      await fail(db, t);
    },
  };
}

const failures: Readonly<Record<string, NamedMigration['up']>> = {
  'throws an error': () => Promise.reject(reason),
  'throws undefined': () => Promise.reject(noError),
  'sends a statement that the database refuses': (db) =>
    sql`select * from nowhere`.execute(db).then(() => {}),
  'does not await a statement that the database refuses': async (db) => {
    void refused(db);
  },
  'does not await a statement behind others that nobody awaits': async (db) => {
    for (let count = 0; count < 3; count += 1) void sql`select 1`.execute(db);
    void refused(db);
  },
  'goes on behind a statement that the database refuses': (db) => refused(db),
};

/** A statement that fails, and whose error nobody hears. */
async function refused(db: Kysely<any>): Promise<void> {
  await sql`insert into nowhere values (1)`.execute(db).catch(() => {});
}

describeOnEachDatabase('a failing migration leaves nothing behind', (database) => {
  let provider: DatabaseProvider<any>;

  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl(), pool: { max: 1, acquireTimeout: 1000 } });
  });

  afterEach(() => provider.close());

  for (const [how, fail] of Object.entries(failures)) {
    it(`on its way up, where it ${how}; those before it stay, and mended it runs`, async () => {
      const broken = new Migrator(provider, notesWith(first, second, failing(third, fail)));
      const error = await rejectionOf(broken.latest());
      expect(error).to.be.instanceOf(MigrationError);
      expect(error).to.include({ set: 'notes', migration: '0003-labels' });
      expect(await listTables(provider.db)).to.deep.equal([
        'notes',
        'notes_migration',
        'notes_migration_lock',
      ]);
      const status = await broken.status();
      expect(status.map(({ appliedAt }) => appliedAt !== undefined)).to.deep.equal([true, true, false]);
      expect((await new Migrator(provider, notes).latest()).applied).to.have.lengthOf(1);
    });

    it(`on its way down, where it ${how}; it stays applied`, async () => {
      await new Migrator(provider, notes).latest();
      const broken = new Migrator(provider, notesWith(first, failing(second, fail), third));
      const error = await rejectionOf(broken.to(null));
      expect(error).to.be.instanceOf(MigrationError);
      expect(error).to.include({ set: 'notes', migration: '0002-first-note' });
      expect(await provider.query('select id, body from notes')).to.deep.equal([{ id: 1, body: 'first' }]);
      expect((await new Migrator(provider, notes).to(null)).applied).to.have.lengthOf(2);
    });
  }

  it('not even the tables of the record, where it is the first', async () => {
    const broken = new Migrator(provider, notesWith(failing(first, () => Promise.reject(reason))));
    expect(((await rejectionOf(broken.latest())) as Error).cause).to.equal(reason);
    expect(await listTables(provider.db)).to.deep.equal([]);
  });

  it('where only its commit fails', async () => {
    const orphan: NamedMigration = {
      name: '0004-orphan',
      async up(db) {
        await sql`create table parent (id integer primary key)`.execute(db);
        await sql`create table child (id integer references parent (id) deferrable initially deferred)`.execute(
          db,
        );
        await sql`insert into child values (1)`.execute(db);
      },
      down: () => Promise.resolve(),
    };
    const broken = new Migrator(provider, notesWith(...notes.migrations, orphan));
    const error = await rejectionOf(broken.latest());
    expect(error).to.be.instanceOf(MigrationError);
    expect(error).to.include({ migration: '0004-orphan' });
    expect(await listTables(provider.db)).not.to.include.members(['child']);
  });

  it('but one that goes back to a savepoint behind a failed statement has not failed', async () => {
    const careful: NamedMigration = {
      ...third,
      async up(db, t) {
        await sql`savepoint before_try`.execute(db);
        await refused(db);
        await sql`rollback to savepoint before_try`.execute(db);
        await third.up(db, t);
      },
    };
    const { applied } = await new Migrator(provider, notesWith(first, second, careful)).latest();
    expect(applied.map(({ name }) => name)).to.include('0003-labels');
    expect(await listTables(provider.db)).to.include('labels');
  });

  it('and the error says what the database said', async () => {
    const fail = failures['sends a statement that the database refuses'] as NamedMigration['up'];
    const error = await rejectionOf(new Migrator(provider, notesWith(failing(first, fail))).latest());
    expect((error as Error).cause).to.be.instanceOf(QueryError);
  });
});

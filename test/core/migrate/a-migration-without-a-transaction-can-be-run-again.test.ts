import { expect } from 'chai';
import { sql } from 'kysely';
import { hostname } from 'node:os';
import { MigrationError, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { Migrator, type NamedMigration } from '../../../src/core/migrate/index.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { first, notesWith, openUntyped, third } from './sample-history.ts';

const reason = new Error('out of luck');

/** Fails as often as it is told, behind a statement that stays. */
function failing(times: number): NamedMigration {
  let left = times;
  return {
    name: '0002-alone',
    transaction: false,
    async up(db) {
      await sql`create table if not exists alone (id integer)`.execute(db);
      left -= 1;
      if (left >= 0) throw reason;
    },
    async down(db) {
      await db.schema.dropTable('alone').ifExists().execute();
    },
  };
}

describeOnEachDatabase('a migration without a transaction', (database) => {
  let provider: DatabaseProvider<any>;
  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl() });
  });
  afterEach(() => provider.close());

  it('runs, is recorded and taken back like any other', async () => {
    const migrator = new Migrator(provider, notesWith(first, failing(0), third));
    expect((await migrator.latest()).current).to.equal('0003-labels');
    expect((await migrator.verify()).isSound).to.equal(true);
    await migrator.to(null);
    expect((await migrator.verify()).isSound).to.equal(true);
  });

  it('that broke off is told, and runs again from its start', async () => {
    const migrator = new Migrator(provider, notesWith(first, failing(1), third));
    const error = await rejectionOf(migrator.latest());
    expect(error).to.be.instanceOf(MigrationError).with.property('cause', reason);
    expect(String(error)).to.include('what it did before stays');
    const { sets, isSound } = await migrator.verify();
    expect([isSound, sets[0]?.interrupted]).to.deep.equal([false, [{ name: '0002-alone', direction: 'up' }]]);
    expect((await migrator.latest()).current).to.equal('0003-labels');
    expect((await migrator.verify()).isSound).to.equal(true);
  });

  it('that broke off on its way down is ended by another one down, and nothing goes up before', async () => {
    let isLucky = false;
    const half: NamedMigration = {
      name: '0002-alone',
      transaction: false,
      up: (db, t) => failing(0).up(db, t),
      async down(db) {
        await db.schema.dropTable('alone').ifExists().execute();
        if (!isLucky) throw reason;
      },
    };
    const migrator = new Migrator(provider, notesWith(first, half, third));
    await migrator.to('0002-alone');
    await rejectionOf(migrator.down());
    expect((await migrator.verify()).sets[0]?.interrupted).to.deep.equal([
      { name: '0002-alone', direction: 'down' },
    ]);
    expect(String(await rejectionOf(migrator.latest()))).to.include('on its way down');
    isLucky = true;
    await migrator.down();
    expect((await migrator.verify()).isSound).to.equal(true);
    expect((await migrator.latest()).current).to.equal('0003-labels');
  });

  it('that broke off and has left its set is forgotten where it is told to be', async () => {
    await rejectionOf(new Migrator(provider, notesWith(first, failing(1))).latest());
    const renamed = new Migrator(provider, notesWith(first, { ...failing(0), name: '0002-better' }));
    await renamed.latest();
    expect((await renamed.verify()).isSound).to.equal(false);
    await renamed.repair({ accept: ['0002-alone'] });
    const { sets, schema } = await renamed.verify();
    expect(sets[0]?.interrupted).to.deep.equal([]);
    // What it had done before belongs to no step.
    expect(schema.differences.map(({ path }) => path)).to.deep.equal(['table alone']);
    await renamed.repair({ acceptSchema: true });
    expect((await renamed.verify()).isSound).to.equal(true);
  });

  it('waits for nobody and leaves no lock behind', async () => {
    const migrator = new Migrator(provider, notesWith(first, failing(1), third));
    await rejectionOf(migrator.latest());
    expect(await migrator.unlock()).to.deep.equal({ holder: undefined, isFree: true });
  });
});

describeOnDatabase('postgres', 'an index that is made while writers go on', (database) => {
  let provider: DatabaseProvider<any>;
  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl() });
  });
  afterEach(() => provider.close());

  const unique: NamedMigration = {
    name: '0002-unique',
    transaction: false,
    async up(db) {
      await sql`create unique index concurrently if not exists notes_body on notes (body)`.execute(db);
    },
    async down(db) {
      await sql`drop index concurrently if exists notes_body`.execute(db);
    },
  };

  it('and fails is named, dropped and made again once its cause is gone', async () => {
    const migrator = new Migrator(provider, notesWith(first, unique));
    await migrator.up();
    await provider.exec(`insert into notes (id, body) values (1, 'a'), (2, 'a')`);
    const error = await rejectionOf(migrator.up());
    expect(error).to.be.instanceOf(MigrationError);
    expect(String(error)).to.include('INVALID').and.include('"notes_body"');
    expect((await migrator.verify()).faults.join()).to.include('notes_body');
    await provider.exec('delete from notes where id = 2');
    expect((await migrator.up()).current).to.equal('0002-unique');
    expect(await migrator.verify()).to.include({ isSound: true });
  });

  it('and is left by a migration that swallows its failure is no success', async () => {
    const swallowing: NamedMigration = {
      ...unique,
      up: (db, t) => unique.up(db, t).catch(() => undefined),
    };
    const migrator = new Migrator(provider, notesWith(first, swallowing));
    await migrator.up();
    await provider.exec(`insert into notes (id, body) values (1, 'a'), (2, 'a')`);
    expect(String(await rejectionOf(migrator.up()))).to.include('"notes_body"');
    expect((await migrator.status())[1]?.appliedAt).to.equal(undefined);
  });

  it('of somebody else stays as it is, invalid or not', async () => {
    const migrator = new Migrator(provider, notesWith(first, unique));
    await migrator.up();
    await provider.exec(`insert into notes (id, body) values (1, 'a'), (2, 'a')`);
    const foreign = provider.exec('create unique index concurrently foreign_index on notes (body)');
    await rejectionOf(foreign);
    await provider.exec('delete from notes where id = 2');
    await migrator.up();
    const rows = await provider.query(`select 1 from pg_class where relname = 'foreign_index'`);
    expect(rows).to.have.lengthOf(1);
  });

  it('takes longer than a statement may', async () => {
    await using impatient = openUntyped({ url: await database.freshUrl(), statementTimeout: 200 });
    const slow: NamedMigration = {
      name: '0001-slow',
      transaction: false,
      up: (db) => sql`select pg_sleep(0.6)`.execute(db).then(() => undefined),
      irreversible: 'It does nothing.',
    };
    expect((await new Migrator(impatient, notesWith(slow)).latest()).current).to.equal('0001-slow');
    const late = impatient.query('select pg_sleep(0.6)');
    expect(await rejectionOf(late)).to.have.property('code', 'LIMINAL_STATEMENT_TIMEOUT');
  });
});

describeOnDatabase('sqlite-file', 'a migration without a transaction on SQLite', (database) => {
  const program = new URL('./migrating-alone-program.ts', import.meta.url);
  let url: string;
  let provider: DatabaseProvider<any>;
  beforeEach(async () => {
    url = await database.freshUrl();
    provider = openUntyped({ url });
  });
  afterEach(() => provider.close());

  it('keeps others out while it runs, and names its process', async () => {
    const child = startProgram(program, [url]);
    expect(await child.line(0)).to.equal('inside');
    const migrator = new Migrator(provider, notesWith(first), { lockTimeout: 50 });
    const error = await rejectionOf(migrator.latest());
    expect(error).to.be.instanceOf(MigrationError);
    const { holder, isFree } = await migrator.unlock();
    expect(holder).to.include(`process ${child.pid} of this machine`);
    expect(isFree).to.equal(false);
    child.say('go on');
    expect(await child.line(1)).to.equal('done');
    await child.ended;
    expect((await migrator.latest()).current).to.equal('0001-notes');
  });

  it('is taken over at once from a process that was killed', async () => {
    const child = startProgram(program, [url]);
    await child.line(0);
    child.kill('SIGKILL');
    await child.ended;
    const migrator = new Migrator(provider, notesWith(first), { lockTimeout: 0 });
    expect((await migrator.latest()).current).to.equal('0001-notes');
    expect(await migrator.unlock()).to.deep.include({ isFree: true });
  });

  it('of another machine is never taken over but by hand', async () => {
    const child = startProgram(program, [url]);
    await child.line(0);
    child.kill('SIGKILL');
    await child.ended;
    await provider.exec('update liminal_migration_lock set machine = ?', [`not-${hostname()}`]);
    const migrator = new Migrator(provider, notesWith(first), { lockTimeout: 20 });
    expect(String(await rejectionOf(migrator.latest()))).to.include('unlock');
    expect(await migrator.unlock()).to.include({ isFree: false });
    expect(await migrator.unlock({ force: true })).to.include({ isFree: true });
    expect((await migrator.latest()).current).to.equal('0001-notes');
  });

  it('must not switch foreign keys', async () => {
    for (const text of ['pragma foreign_keys = off', '/* a */ PRAGMA "foreign_keys"(0)']) {
      const migration: NamedMigration = {
        name: '0001-pragma',
        transaction: false,
        up: (db) =>
          sql
            .raw(text)
            .execute(db)
            .then(() => undefined),
        irreversible: 'It does nothing.',
      };
      const error = await rejectionOf(new Migrator(provider, notesWith(migration)).latest());
      expect((error as Error).cause).to.be.instanceOf(ValidationError);
      expect(await provider.query('pragma foreign_keys')).to.deep.equal([{ foreign_keys: 1 }]);
    }
  });

  it('may do what a transaction cannot hold', async () => {
    const migration: NamedMigration = {
      name: '0001-vacuum',
      transaction: false,
      up: (db) => sql`vacuum`.execute(db).then(() => undefined),
      irreversible: 'There is nothing to take back.',
    };
    expect((await new Migrator(provider, notesWith(migration)).latest()).current).to.equal('0001-vacuum');
  });
});

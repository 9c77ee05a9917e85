import { expect } from 'chai';
import { sql } from 'kysely';
import {
  DatabaseProviderFactory,
  IntegrityDriftError,
  MigrationError,
  ValidationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import {
  Migrator,
  describeVerification,
  guardSchema,
  verifyMigrations,
  type MigrationSet,
  type NamedMigration,
} from '../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { first, notes, notesWith, openUntyped, second, third } from './sample-history.ts';

/** The same name, and another table. */
const edited: NamedMigration = {
  ...first,
  async up(db, t) {
    await db.schema.createTable('note').addColumn('id', t.table('note').integer('id')).execute();
  },
};

describeOnEachDatabase('what is not as recorded is named', (database) => {
  let provider: DatabaseProvider<any>;
  let migrator: Migrator;

  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl() });
    migrator = new Migrator(provider, notes);
  });
  afterEach(() => provider.close());

  const alter = (text: string) => provider.exec(text);
  const findings = async (set: MigrationSet = notes) =>
    describeVerification(await new Migrator(provider, set).verify());

  it('nothing, at every step of the way up and down', async () => {
    expect(await migrator.verify()).to.deep.include({ isSound: true, faults: [] });
    for (let step = 1; step <= 3; step += 1) {
      await migrator.up();
      expect(await findings(), `up ${step}`).to.deep.equal([]);
    }
    const { sets, isSound, schema } = await migrator.verify();
    expect(isSound).to.equal(true);
    expect(schema.state).to.equal('same');
    expect(sets).to.have.lengthOf(1);
    for (let step = 1; step <= 3; step += 1) {
      await migrator.down();
      expect(await findings(), `down ${step}`).to.deep.equal([]);
    }
    expect((await migrator.verify()).sets[0]?.pending).to.have.lengthOf(3);
  });

  it('an edited migration, until it is accepted', async () => {
    await migrator.latest();
    const set = notesWith(edited, second, third);
    expect(await findings(set)).to.deep.equal([
      'notes: migration "0001-notes" was edited after it had run; repair --accept 0001-notes',
    ]);
    const mended = new Migrator(provider, set);
    expect(await mended.repair({ accept: ['0001-notes'] })).to.deep.equal({
      set: 'notes',
      accepted: ['0001-notes'],
      acceptedSchema: false,
    });
    expect(await findings(set)).to.deep.equal([]);
    expect(await findings()).to.have.lengthOf(1);
  });

  it('an edited migration that has not run yet is none', async () => {
    await migrator.up();
    expect(
      await findings(notesWith(first, { ...second, up: (db, t) => third.up(db, t) }, third)),
    ).to.deep.equal([]);
  });

  it('a migration of which no checksum was kept', async () => {
    await migrator.latest();
    await provider.exec(`delete from liminal_migrations where name = ?`, ['0002-first-note']);
    expect(await findings()).to.deep.equal([
      'notes: nobody knows whether migration "0002-first-note" was edited; repair --accept 0002-first-note',
    ]);
    await migrator.repair({ accept: ['0002-first-note'] });
    expect(await findings()).to.deep.equal([]);
  });

  it('a history that does not fit, without an end of the look', async () => {
    await migrator.latest();
    const { sets, isSound } = await verifyMigrations(provider, [notesWith(first, third)]);
    expect(isSound).to.equal(false);
    expect(sets[0]?.misfit).to.include('"0002-first-note"');
  });

  it('a schema that was changed by hand, until it is accepted', async () => {
    await migrator.latest();
    await alter('alter table notes add column size integer');
    await alter('create index notes_size on notes (size)');
    const { schema, isSound } = await migrator.verify();
    expect(isSound).to.equal(false);
    expect(schema.state).to.equal('drifted');
    expect(schema.differences.map(({ kind, path }) => `${kind}: ${path}`)).to.have.members([
      'unexpected: table notes › column size',
      'unexpected: table notes › index notes_size',
    ]);
    expect(await migrator.repair({ acceptSchema: true })).to.include({ acceptedSchema: true });
    expect(await findings()).to.deep.equal([]);
  });

  it('a schema that was changed by hand, also behind the steps that come after', async () => {
    await migrator.up();
    await alter('alter table notes add column size integer');
    await alter('create table by_hand (id integer)');
    await migrator.latest();
    await migrator.redo();
    const { schema } = await migrator.verify();
    expect(schema.differences.map(({ kind, path }) => `${kind}: ${path}`)).to.have.members([
      'unexpected: table notes › column size',
      'unexpected: table by_hand',
    ]);
    await alter('alter table notes drop column size');
    await alter('drop table by_hand');
    expect(await findings()).to.deep.equal([]);
  });

  it('a record that is damaged', async () => {
    await migrator.latest();
    await provider.exec(`update liminal_schemas set snapshot = 'damaged'`);
    expect((await migrator.verify()).schema.state).to.equal('same');
    await alter('create table by_hand (id integer)');
    expect((await migrator.verify()).schema.state).to.equal('drifted');
  });

  it('a schema of a table that another set has made is none', async () => {
    await migrator.latest();
    const other = { name: 'other', migrations: [{ ...edited, name: '0001-note' }] };
    await new Migrator(provider, other).latest();
    expect(await findings()).to.deep.equal([]);
    await new Migrator(provider, other).up();
  });

  it('a schema that nobody has recorded', async () => {
    await migrator.latest();
    await provider.exec('delete from liminal_schemas');
    expect((await migrator.verify()).schema.state).to.equal('unrecorded');
    await migrator.repair({ acceptSchema: true });
    expect((await migrator.verify()).isSound).to.equal(true);
  });

  it('but a record of another version of this library cannot be compared, and is no drift', async () => {
    await migrator.latest();
    await provider.exec(`update liminal_schemas set fingerprint = '0:0', snapshot = '{"format":0}'`);
    const { isSound, schema } = await migrator.verify();
    expect([isSound, schema.state]).to.deep.equal([true, 'incomparable']);
  });

  it('a repair says what it is given', async () => {
    await migrator.up();
    expect(await rejectionOf(migrator.repair({}))).to.be.instanceOf(ValidationError);
    for (const name of ['0002-first-note', '0009-nowhere']) {
      const error = await rejectionOf(migrator.repair({ accept: ['0001-notes', name] }));
      expect(error).to.be.instanceOf(MigrationError).with.property('migration', name);
    }
  });

  describe('when a service starts', () => {
    const open = (url: string, set: MigrationSet = notes) =>
      DatabaseProviderFactory.createProvider<any>(url, { schema: guardSchema([set]) });

    /** Memory has no second handle. */
    async function start(prepare: (handle: DatabaseProvider<any>) => Promise<unknown>, set?: MigrationSet) {
      const handle = open(await database.freshUrl(), set);
      await prepare(handle);
      return handle;
    }

    it('it refuses what is pending, and says what to do', async () => {
      await using service = await start(async () => undefined);
      const error = await rejectionOf(service.initialize());
      expect(error).to.be.instanceOf(MigrationError).with.property('set', 'notes');
      expect(String(error)).to.include('3 pending').and.include('migrate latest');
    });

    it('it runs what is pending where it is told to, and then finds nothing', async () => {
      await using service = await start(async () => undefined);
      await service.initialize({ schema: 'migrate' });
      expect(await service.query('select body from notes')).to.deep.equal([{ body: 'first' }]);
    });

    it('it refuses a schema that was changed by hand', async () => {
      await using service = await start(async (handle) => {
        await new Migrator(handle, notes).latest();
        await handle.exec('drop table labels');
      });
      for (const schema of ['verify', 'migrate'] as const) {
        const error = await rejectionOf(service.initialize({ schema }));
        expect(error).to.be.instanceOf(IntegrityDriftError);
        expect((error as IntegrityDriftError).findings).to.have.lengthOf(2);
        expect(String(error)).to.include('missing: table labels');
      }
      await service.initialize({ schema: 'ignore' });
    });

    it('it refuses an edited migration', async () => {
      await using service = await start(
        (handle) => new Migrator(handle, notes).latest(),
        notesWith(edited, second, third),
      );
      expect(await rejectionOf(service.initialize())).to.be.instanceOf(IntegrityDriftError);
    });

    it('it asks for the sets where it is to look at them, and for a mode that there is', async () => {
      expect(await rejectionOf(provider.initialize({ schema: 'verify' }))).to.be.instanceOf(ValidationError);
      await provider.initialize({ schema: 'ignore' });
      const faulty = provider.initialize({ schema: 'reset' as never });
      expect(await rejectionOf(faulty)).to.be.instanceOf(ValidationError);
    });
  });

  it('what the database itself finds broken', async () => {
    if (provider.type !== 'postgres') return;
    await migrator.latest();
    await sql`alter table notes add constraint long check (length(body) > 100) not valid`.execute(
      provider.db,
    );
    await migrator.repair({ acceptSchema: true });
    const { faults, isSound } = await migrator.verify();
    expect(isSound).to.equal(false);
    expect(faults).to.have.lengthOf(1);
    expect(faults[0]).to.include('long');
  });
});

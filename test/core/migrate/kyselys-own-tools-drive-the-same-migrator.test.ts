import { expect } from 'chai';
import { Migrator as KyselyMigrator, NO_MIGRATIONS } from 'kysely/migration';
import { MigrationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { Migrator, createKyselyMigrator } from '../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { listTables, notes, notesWith, openUntyped, first, second } from './sample-history.ts';

const names = notes.migrations.map(({ name }) => name);

describeOnEachDatabase('Kysely’s own tools drive the same Migrator', (database) => {
  let provider: DatabaseProvider<any>;
  let driven: KyselyMigrator;

  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl() });
    driven = createKyselyMigrator(provider, notes);
  });
  afterEach(() => provider.close());

  it('which is one of theirs', () => {
    expect(driven).to.be.instanceOf(KyselyMigrator);
  });

  it('up, down, to a name, to the latest and to nothing', async () => {
    const { results, error } = await driven.migrateUp();
    expect(error).to.equal(undefined);
    expect(results).to.deep.equal([{ migrationName: names[0], direction: 'Up', status: 'Success' }]);
    expect((await driven.migrateToLatest()).results).to.have.lengthOf(2);
    expect((await driven.migrateDown()).results).to.deep.equal([
      { migrationName: names[2], direction: 'Down', status: 'Success' },
    ]);
    expect((await driven.migrateTo(names[0] ?? '')).results).to.have.lengthOf(1);
    expect((await driven.migrateTo(NO_MIGRATIONS)).results).to.have.lengthOf(1);
    expect((await listTables(provider.db)).filter((name) => !name.includes('migration'))).to.deep.equal([]);
  });

  it('with the records of this library', async () => {
    await driven.migrateToLatest();
    expect((await new Migrator(provider, notes).verify()).isSound).to.equal(true);
    const migrations = await driven.getMigrations();
    expect(migrations.map(({ name }) => name)).to.deep.equal(names);
    expect(migrations.every(({ executedAt }) => executedAt instanceof Date)).to.equal(true);
  });

  it('with failures as results, as Kysely gives them', async () => {
    const failing = notesWith(first, { ...second, up: () => Promise.reject(new Error('out of luck')) });
    const { error, results } = await createKyselyMigrator(provider, failing).migrateToLatest();
    expect(results).to.deep.equal([{ migrationName: '0001-notes', direction: 'Up', status: 'Success' }]);
    expect(error).to.be.instanceOf(MigrationError).with.property('migration', '0002-first-note');
    expect((await createKyselyMigrator(provider, failing).migrateTo('nowhere')).error).to.be.instanceOf(
      MigrationError,
    );
  });
});

import { expect } from 'chai';
import { MigrationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { Migrator, type MigrationSet } from '../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { first, listTables, notes, notesWith, openUntyped, second, third } from './sample-history.ts';

describeOnEachDatabase('a history that does not fit its set runs nothing', (database) => {
  let provider: DatabaseProvider<any>;

  beforeEach(async () => {
    provider = openUntyped(await database.freshUrl());
  });

  afterEach(() => provider.close());

  async function expectRefused(set: MigrationSet, migration: string): Promise<string> {
    const migrator = new Migrator(provider, set);
    const before = await listTables(provider.db);
    const attempts = [
      migrator.latest(),
      migrator.up(),
      migrator.down(),
      migrator.to(null),
      migrator.status().then(() => {}),
    ];
    const errors = await Promise.all(attempts.map(rejectionOf));
    for (const error of errors) {
      expect(error).to.be.instanceOf(MigrationError);
      expect(error).to.include({ set: 'notes', migration });
    }
    expect(await listTables(provider.db)).to.deep.equal(before);
    return (errors[0] as Error).message;
  }

  it('where a recorded migration is not in the set', async () => {
    await new Migrator(provider, notes).up(2);
    expect(await expectRefused(notesWith(first, third), '0002-first-note')).to.include('not in the set');
  });

  it('where the set has become shorter than the history', async () => {
    await new Migrator(provider, notes).latest();
    await expectRefused(notesWith(first), '0002-first-note');
  });

  it('where a migration was added before one that has run', async () => {
    await new Migrator(provider, notesWith(first, third)).latest();
    const message = await expectRefused(notesWith(first, second, third), '0003-labels');
    expect(message).to.include('"0002-first-note"');
  });

  it('where the record cannot be read', async () => {
    await new Migrator(provider, notes).up();
    await provider.exec('update notes_migration set timestamp = ?', ['yesterday']);
    await expectRefused(notes, '0001-notes');
  });
});

import { expect } from 'chai';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import { Migrator, planLatest } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { first, notesWith, openUntyped } from './sample-history.ts';

describeOnDatabase('sqlite-file', 'a view that fits nothing holds nobody up', (database) => {
  let provider: DatabaseProvider<any>;
  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl() });
  });
  afterEach(() => provider.close());

  const set = notesWith(
    first,
    {
      name: '0002-view',
      up: (db) => db.schema.createView('bodies').as(db.selectFrom('notes').select('body')).execute(),
      down: (db) => db.schema.dropView('bodies').execute(),
    },
    {
      name: '0003-drop',
      up: (db) => db.schema.dropTable('notes').execute(),
      irreversible: 'The notes are gone.',
    },
    {
      name: '0004-mend',
      up: (db) => db.schema.dropView('bodies').execute(),
      irreversible: 'It fits nothing.',
    },
  );

  it('of those that come after the one that left it', async () => {
    expect((await new Migrator(provider, set).latest()).current).to.equal('0004-mend');
  });

  it('who plans, verifies or asks for the status', async () => {
    const migrator = new Migrator(provider, set);
    await migrator.to('0003-drop');
    expect(await migrator.status()).to.have.lengthOf(4);
    expect((await planLatest(provider, [set])).migrations).to.have.lengthOf(1);
    expect((await migrator.verify()).isSound).to.equal(true);
  });
});

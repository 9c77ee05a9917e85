import { expect } from 'chai';
import { MigrationError, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import {
  Migrator,
  defineMigration,
  defineMigrationSet,
  type NamedMigration,
} from '../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { first, listTables, notesWith, openUntyped, second, third } from './sample-history.ts';

const oneWay: NamedMigration = {
  name: '0002-first-note',
  up: (db, t) => second.up(db, t),
  irreversible: 'The notes were merged.',
};
const nothing = async (): Promise<void> => {};

describeOnEachDatabase('what cannot be taken back is refused before any step runs', (database) => {
  let provider: DatabaseProvider<any>;
  let migrator: Migrator;

  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl() });
    migrator = new Migrator(provider, notesWith(first, oneWay, third));
    await migrator.latest();
  });
  afterEach(() => provider.close());

  for (const [title, go] of [
    ['down', () => migrator.down(3)],
    ['to a name', () => migrator.to('0001-notes')],
    ['to nothing', () => migrator.to(null)],
    ['redo', () => migrator.redo(2)],
  ] as const) {
    it(`by ${title}`, async () => {
      const before = await listTables(provider.db);
      const error = await rejectionOf(go());
      expect(error).to.be.instanceOf(MigrationError).with.property('migration', '0002-first-note');
      expect(String(error)).to.include('The notes were merged.').and.include('Nothing was run');
      expect(await listTables(provider.db)).to.deep.equal(before);
      expect(before).to.include('labels');
    });
  }

  it('but what comes behind it goes', async () => {
    expect((await migrator.down()).current).to.equal('0002-first-note');
    expect((await migrator.latest()).current).to.equal('0003-labels');
  });

  it('redo takes the last one back and runs it again', async () => {
    const { applied, current } = await migrator.redo();
    expect(applied.map(({ name, direction }) => [name, direction])).to.deep.equal([
      ['0003-labels', 'down'],
      ['0003-labels', 'up'],
    ]);
    expect(current).to.equal('0003-labels');
    expect((await migrator.verify()).isSound).to.equal(true);
  });
});

describe('a migration', () => {
  const faulty: Readonly<Record<string, [object, string]>> = {
    'without a way up': [{ down: nothing }, 'up'],
    'with neither a way down nor a reason': [{ up: nothing }, 'down'],
    'with both': [{ up: nothing, down: nothing, irreversible: 'No.' }, 'down'],
    'with an empty reason': [{ up: nothing, irreversible: ' ' }, 'irreversible'],
    'whose transaction is no boolean': [{ up: nothing, down: nothing, transaction: 'no' }, 'transaction'],
    'whose foreign keys are on': [{ up: nothing, down: nothing, foreignKeys: 'on' }, 'foreignKeys'],
    'without foreign keys and without a transaction': [
      { up: nothing, down: nothing, foreignKeys: 'off', transaction: false },
      'foreignKeys',
    ],
    'that destroys without a reason': [{ up: nothing, down: nothing, destructive: true }, 'destructive'],
    'that was reviewed without a reason': [
      { up: nothing, down: nothing, reviewed: { 'add-index': '' } },
      'reviewed',
    ],
  };

  for (const [title, [migration, path]] of Object.entries(faulty)) {
    it(`${title} is refused`, () => {
      const define = () => defineMigration(migration as never);
      expect(define).to.throw(ValidationError).with.nested.property('issues[0].path[0]', path);
      const inSet = () =>
        defineMigrationSet({ name: 'a', migrations: [{ ...migration, name: '0001' } as never] });
      expect(inSet).to.throw(ValidationError).with.nested.property('issues[0].path').that.includes(path);
    });
  }

  it('is frozen, and is what it was given', () => {
    const migration = defineMigration({ up: nothing, irreversible: 'No.', transaction: false });
    expect(migration).to.be.frozen;
    expect(migration).to.deep.equal({ up: nothing, irreversible: 'No.', transaction: false });
  });
});

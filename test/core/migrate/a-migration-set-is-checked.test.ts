import { expect } from 'chai';
import fc from 'fast-check';
import { ValidationError } from '../../../src/core/index.ts';
import { defineMigrationSet, type NamedMigration } from '../../../src/core/migrate/index.ts';
import { chatMigrations } from '../../../migrations/chat/index.ts';
import { healthMigrations } from '../../../migrations/health/index.ts';

const nothing = async (): Promise<void> => {};

function named(name: string): NamedMigration {
  return { name, up: nothing, down: nothing };
}

/** The paths of all faults. */
function faultsOf(set: unknown): string[] {
  try {
    defineMigrationSet(set as Parameters<typeof defineMigrationSet>[0]);
  } catch (error) {
    expect(error).to.be.instanceOf(ValidationError);
    return (error as ValidationError).issues.map(({ path }) => path.join('.'));
  }
  return [];
}

describe('a migration set is checked', () => {
  it('and taken as plain data', () => {
    for (const set of [chatMigrations, healthMigrations]) {
      expect(defineMigrationSet(set).migrations.map(({ name }) => name)).to.deep.equal(
        set.migrations.map(({ name }) => name),
      );
    }
  });

  it('and frozen, so that nobody changes history', () => {
    const set = defineMigrationSet({ name: 'notes', migrations: [named('0001-a')] });
    expect(set).to.be.frozen;
    expect(set.migrations).to.be.frozen;
    expect(set.migrations[0]).to.be.frozen;
  });

  it('and may be empty', () => {
    expect(faultsOf({ name: 'notes', migrations: [] })).to.deep.equal([]);
  });

  it('and needs a list of migrations', () => {
    for (const set of [undefined, null, 'notes', {}, { name: 'notes', migrations: {} }]) {
      expect(faultsOf(set)).to.deep.equal(['migrations']);
    }
  });

  it('and every fault is named at once', () => {
    const migrations = [named('0002-b'), named('0001-a'), { ...named('0003-c'), down: undefined }, named('')];
    expect(faultsOf({ name: 'Not a name', migrations })).to.deep.equal([
      'name',
      'migrations.1.name',
      'migrations.2.down',
      'migrations.3.name',
    ]);
  });

  for (const name of ['', '1st', 'a-b', 'a b', 'a"b', 'Notes', 'sqlite_x', 'a'.repeat(49)]) {
    it(`and "${name}" is no name for one, since its tables are called after it`, () => {
      expect(faultsOf({ name, migrations: [] })).to.deep.equal(['name']);
    });
  }

  it('and names must ascend by code unit, as they are sorted when they run', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,5}$/), { minLength: 1 });
    fc.assert(
      fc.property(names, (given) => {
        const sorted = given.toSorted();
        expect(faultsOf({ name: 'notes', migrations: sorted.map(named) })).to.deep.equal([]);
        const isSorted = given.every((name, index) => name === sorted[index]);
        expect(faultsOf({ name: 'notes', migrations: given.map(named) }).length === 0).to.equal(isSorted);
      }),
    );
  });

  it('and a name twice is a fault', () => {
    expect(faultsOf({ name: 'notes', migrations: [named('a'), named('a')] })).to.deep.equal([
      'migrations.1.name',
    ]);
  });
});

import { expect } from 'chai';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as chat from '../../src/chat/index.ts';
import type * as domain from '../../src/core/domain/index.ts';
import type * as postgres from '../../src/core/engine/postgres/index.ts';
import type * as sqlite from '../../src/core/engine/sqlite/index.ts';
import type * as core from '../../src/core/index.ts';
import type * as migrate from '../../src/core/migrate/index.ts';
import { findDoors, getBuiltPackage } from '../support/built-package.ts';

interface Doors {
  '.': typeof core;
  './domain': typeof domain;
  './migrate': typeof migrate;
  './sqlite': typeof sqlite;
  './postgres': typeof postgres;
  './chat': typeof chat;
}

describe('the doors share their classes', function () {
  this.timeout(120_000);
  let doors: Doors;

  before(async () => {
    const folder = await getBuiltPackage();
    const opened: Record<string, unknown> = {};
    for (const [door, file] of findDoors()) {
      opened[door] = await import(pathToFileURL(join(folder, file)).href);
    }
    doors = opened as unknown as Doors;
  });

  it('so that one name is one object, whichever door it came through', () => {
    const main: Readonly<Record<string, unknown>> = { ...doors['.'] };
    const shared: string[] = [];
    for (const [door, exported] of Object.entries(doors)) {
      for (const [name, value] of Object.entries(exported)) {
        if (door === '.' || !(name in main)) continue;
        shared.push(name);
        expect(value, `${name} of ${door}`).to.equal(main[name]);
      }
    }
    expect(shared).to.include.members(['ValidationError', 'defineConfig']);
  });

  it('so that what any door throws is a LiminalDataError of the main one', () => {
    const calls: [door: keyof Doors, call: () => unknown][] = [
      ['./domain', () => doors['./domain'].defineId('Id').parse('none')],
      ['./migrate', () => doors['./migrate'].defineMigrationSet({ name: '', migrations: [] })],
      ['./sqlite', () => new doors['./sqlite'].PooledSqliteDialect({ filename: '' })],
      ['./postgres', () => new doors['./postgres'].PooledPostgresDialect({ port: -1 })],
      ['./chat', () => doors['./chat'].EmailAddress.parse('')],
    ];
    for (const [door, call] of calls) expect(call, door).to.throw(doors['.'].LiminalDataError);
  });

  it('and every class has kept its name, after which its errors are named', () => {
    const names: string[] = [];
    for (const [door, exported] of Object.entries(doors)) {
      for (const [name, value] of Object.entries(exported)) {
        if (typeof value !== 'function' || !/^class\b/.test(String(value))) continue;
        names.push(name);
        expect(value.name, `${name} of ${door}`).to.equal(name);
      }
    }
    expect(names).to.include.members(['ConnectionError', 'StaleEntityError', 'Migrator', 'UserRepository']);
  });
});

import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareTypes } from '../../src/cli/types/compare-types.ts';
import { readTableTypes } from '../../src/cli/types/read-table-types.ts';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../src/core/index.ts';
import { defineMigrationSet, Migrator, runSeeds } from '../../src/core/migrate/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runHere, type BinRun } from './run-bin.ts';

const notes = defineMigrationSet({
  name: 'notes',
  migrations: [
    {
      name: '0001-notes',
      async up(db, t) {
        const table = t.table('notes');
        await db.schema
          .createTable('notes')
          .addColumn('id', table.uuid('id'), (column) => column.notNull().primaryKey())
          .addColumn('title', table.text('title'), (column) => column.notNull())
          .addColumn('kind', table.enumText('kind', ['a', 'b']), (column) => column.notNull())
          .addColumn('tags', table.json('tags'), (column) => column.notNull())
          .addColumn('size', table.integer('size'))
          .addColumn('version', table.counter('version', 1), (column) => column.notNull().defaultTo(1))
          .addColumn('created_at', table.epochMillis('created_at'), (column) => column.notNull())
          .modifyEnd(table.end)
          .execute();
        await t.createFullTextTable(db, { name: 'note_search', owner: 'note_id', ownerTable: 'notes' });
      },
      down: (db) => db.schema.dropTable('notes').execute(),
    },
  ],
});

const expected = `import type { ColumnType } from "kysely";

export type Generated<T> = T extends ColumnType<infer S, infer I, infer U>
  ? ColumnType<S, I | undefined, U>
  : ColumnType<T, T | undefined, T>;

export interface NotAMigration {
  id: number;
}

export interface Notes {
  created_at: number;
  id: string;
  kind: string;
  size: number | null;
  tags: string;
  title: string;
  version: Generated<number>;
}

export interface DB {
  not_a_migration: NotAMigration;
  notes: Notes;
}
`;

async function build(provider: DatabaseProvider<unknown>): Promise<void> {
  await new Migrator(provider, notes).latest();
  await runSeeds(provider, [{ name: 'nothing', run: () => Promise.resolve() }]);
  // Named as a record is, and without its twin a table like any other.
  await provider.exec('create table not_a_migration (id integer not null)');
}

describeOnEachDatabase('the types of tables', (database) => {
  it('are those that rows have on either engine, without the record of migrations and seeds', async () => {
    await using provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
    await build(provider);
    const first = await readTableTypes(provider, (table) => table === 'note_search');
    expect(first.trim()).to.equal(expected.trim());
    expect(await readTableTypes(provider, (table) => table === 'note_search')).to.equal(first);
  });

  it('leave the parts of a search index out', async () => {
    await using provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
    await build(provider);
    const tables = /interface DB \{([^}]*)\}/.exec(await readTableTypes(provider))?.[1] ?? '';
    expect(tables.match(/\w+(?=:)/g)).to.deep.equal(['not_a_migration', 'note_search', 'notes']);
  });

  it('never say that a key which counts up by itself is null', async () => {
    await using provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
    const key = { sqlite: 'integer primary key autoincrement', postgres: 'serial primary key' };
    await provider.exec(`create table counted (id ${key[provider.type as keyof typeof key]})`);
    expect(await readTableTypes(provider)).to.include('  id: Generated<number>;');
  });
});

describe('a file of table types is held against the database', () => {
  it('whatever its form, its order and its comments', () => {
    const written = `/** Ours. */
      import type { ColumnType } from 'kysely';
      export type Generated<T> =
        T extends ColumnType<infer S, infer I, infer U> ? ColumnType<S, I | undefined, U> : ColumnType<T, T | undefined, T>;
      export interface DB { notes: Notes; not_a_migration: NotAMigration }
      // Of another order.
      export interface Notes {
        id: string; /** Bytes. */ size: number | null; kind: string; tags: string;
        title: string; version: Generated<number>; created_at: number;
      }
      export interface NotAMigration { id: number; }`;
    expect(compareTypes(expected, written)).to.deep.equal([]);
  });

  it('and each difference is named', () => {
    const written = expected
      .replace('  size: number | null;\n', '')
      .replace('title: string;', 'title: string | null;\n  gone: number;')
      .replace('export interface NotAMigration {\n  id: number;\n}\n', '')
      .replace('  not_a_migration: NotAMigration;\n', '');
    expect(compareTypes(expected, written)).to.deep.equal([
      '+ DB.not_a_migration: NotAMigration is in the database and not in the file',
      '+ NotAMigration is in the database and not in the file',
      '+ NotAMigration.id: number is in the database and not in the file',
      '- Notes.gone: number is in the file and not in the database',
      '+ Notes.size: number | null is in the database and not in the file',
      '~ Notes.title is string in the database and string | null in the file',
    ]);
  });
});

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'types from the command line', (database) => {
    let cwd: string;
    let url: string;

    beforeEach(async () => {
      cwd = makeTempDirectory('cli');
      url = await database.freshUrl();
      await using provider = DatabaseProviderFactory.createProvider<unknown>(url);
      await build(provider);
      await provider.exec('drop table not_a_migration');
    });

    const types = (...args: readonly string[]): Promise<BinRun> =>
      runHere(['types', ...args, '--database', url], { cwd });

    it('are written, checked, and found out where the database has moved on', async function () {
      this.timeout(60_000);
      expect((await types('generate', '--out', 'tables.ts')).code).to.equal(0);
      const first = readFileSync(join(cwd, 'tables.ts'), 'utf8');
      expect(first).to.match(/^\/\*\*[^]*interface Notes \{/);
      expect((await types('generate', '--out', 'tables.ts')).stdout).to.include('up to date');
      const checked = await types('check', '--out', 'tables.ts');
      expect(checked.code, checked.stderr).to.equal(0);
      {
        await using provider = DatabaseProviderFactory.createProvider(url);
        await provider.exec('alter table notes add column pinned integer');
      }
      const { code, stdout } = await types('check', '--out', 'tables.ts');
      expect(code).to.equal(3);
      expect(stdout).to.include('+ Notes.pinned: number | null is in the database and not in the file');
      const { differences } = JSON.parse((await types('check', '--out', 'tables.ts', '--json')).stdout) as {
        differences: string[];
      };
      expect(differences).to.have.lengthOf(1);
      expect(readFileSync(join(cwd, 'tables.ts'), 'utf8')).to.equal(first);
      await types('generate', '--out', 'tables.ts');
      expect((await types('check', '--out', 'tables.ts')).code).to.equal(0);
    });
  });
}

describe('types from the command line', () => {
  it('come from the migrations alone where they are told to, into the file of the configuration', async () => {
    const cwd = makeTempDirectory('cli');
    const config = "export default { database: 'sqlite:./never.db', typesFile: 'tables.ts' };";
    writeFileSync(join(cwd, 'liminal.config.mjs'), config);
    const { code, stderr } = await runHere(['types', 'generate', '--migrated'], { cwd });
    expect(code, stderr).to.equal(0);
    expect(readFileSync(join(cwd, 'tables.ts'), 'utf8')).to.include('interface Messages {');
    expect((await runHere(['types', 'check', '--migrated'], { cwd })).code).to.equal(0);
    expect(existsSync(join(cwd, 'never.db'))).to.equal(false);
  });

  it('that cannot be made leave nothing behind', async function () {
    this.timeout(60_000);
    const cwd = makeTempDirectory('cli');
    const codes = [];
    for (const args of [
      ['generate', '--database', 'sqlite:./app.db', '--out', 'tables.ts'],
      ['generate', '--migrated'],
      ['generate', '--migrated', '--out', join('missing', 'tables.ts')],
      ['check', '--migrated', '--out', 'tables.ts'],
    ]) {
      codes.push((await runHere(['types', ...args], { cwd })).code);
    }
    expect(codes).to.deep.equal([1, 2, 1, 1]);
    expect(readdirSync(cwd)).to.deep.equal([]);
  });
});

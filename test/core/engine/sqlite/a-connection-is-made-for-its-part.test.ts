/** What a connection is given when it is opened, and what is left in order when the last one goes. */
import { expect } from 'chai';
import Database from 'better-sqlite3';
import { sql, type Kysely } from 'kysely';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../../../src/core/index.ts';
import { describeOnDatabase, type TestDatabase } from '../../../support/database.ts';

const run = promisify(execFile);

describeOnDatabase('sqlite-file', 'a SQLite connection is made for its part', (database) => {
  it('with a page cache of 16 MB, for the writer and for each reader', async () => {
    const { provider } = await open(database);
    for (const readOnly of [false, true]) {
      expect(await pragmaIn(provider, readOnly, 'cache_size')).to.equal(-16_000);
    }
    await provider.close();
  });

  it('so that the writer alone writes the log back, and nobody else writes at all', async () => {
    const { provider } = await open(database);
    expect(await pragmaIn(provider, false, 'wal_autocheckpoint')).to.equal(1_000);
    expect(await pragmaIn(provider, true, 'wal_autocheckpoint')).to.equal(0);
    expect(await pragmaIn(provider, false, 'query_only')).to.equal(0);
    expect(await pragmaIn(provider, true, 'query_only')).to.equal(1);
    await provider.close();
  });

  it('and the last one to go leaves statistics for the next plans', async () => {
    const { provider, filename } = await open(database);
    await provider.exec('create table notes (id integer primary key, text text)');
    await provider.exec('create index notes_text on notes (text)');
    await provider.exec(
      'with recursive n (i) as (select 1 union all select i + 1 from n where i < 500) insert into notes select i, i from n',
    );
    await provider.query('select * from notes where text = ?', ['7']);
    await provider.close();
    const file = new Database(filename, { readonly: true });
    expect(file.prepare('select idx, stat from sqlite_stat1').all()).to.deep.equal([
      { idx: 'notes_text', stat: '500 1' },
    ]);
    file.close();
  });
});

describe('a SQLite that may lose commits', () => {
  for (const [version, isRefused] of [
    ['3.46.0', true],
    ['3.51.2', true],
    ['3.51.3', false],
    ['3.52.0', false],
    ['4.0.0', false],
  ] as const) {
    it(`${version} is ${isRefused ? 'refused, with what to install' : 'taken'}`, async () => {
      // The driver stays as it is, but for the answer to one question.
      const program = `
        import Database from 'better-sqlite3';
        const { prepare } = Database.prototype;
        Database.prototype.prepare = function (text) {
          const isAsked = text === 'select sqlite_version()';
          return prepare.call(this, isAsked ? "select '${version}'" : text);
        };
        const { DatabaseProviderFactory } = await import('./src/core/index.ts');
        const provider = DatabaseProviderFactory.createProvider('sqlite::memory:');
        await provider.query('select 1').then(
          () => console.log('connected'),
          (error) => console.log(error.code, error.message),
        );
      `;
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
      if (isRefused)
        expect(stdout).to.contain('LIMINAL_CONFIGURATION').and.contain(version).and.contain('npm install');
      else expect(stdout).to.contain('connected');
    });
  }
});

async function open(
  database: TestDatabase,
): Promise<{ provider: DatabaseProvider<unknown>; filename: string }> {
  const url = await database.freshUrl();
  const provider = DatabaseProviderFactory.createProvider<unknown>(url);
  return { provider, filename: url.replace('sqlite:', '') };
}

/** Asks the connection of a transaction: the writer's, or that of a reader. */
function pragmaIn(provider: DatabaseProvider<unknown>, readOnly: boolean, name: string): Promise<unknown> {
  const ask = async (tx: Kysely<unknown>) => {
    const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${name}`).execute(tx);
    return rows[0]?.[name];
  };
  return provider.transaction(ask, { readOnly });
}

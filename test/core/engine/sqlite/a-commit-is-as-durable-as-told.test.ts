import { expect } from 'chai';
import { sql } from 'kysely';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ConnectionError, DatabaseProviderFactory } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';

const run = promisify(execFile);

describeOnDatabase('sqlite-file', 'a SQLite connection', (database) => {
  for (const [settings, synchronous] of [
    [{}, 2],
    [{ connection: { durability: 'full' } }, 2],
    [{ connection: { durability: 'normal' } }, 1],
  ] as const) {
    it(`flushes as told: ${JSON.stringify(settings)}`, async () => {
      const url = await database.freshUrl();
      const provider = DatabaseProviderFactory.createProvider<unknown>({ url, ...settings });
      expect(await provider.query('pragma synchronous')).to.deep.equal([{ synchronous }]);
      await provider.transaction(
        async (tx) => {
          expect((await sql`pragma synchronous`.execute(tx)).rows).to.deep.equal([{ synchronous }]);
        },
        { readOnly: true },
      );
      await provider.close();
    });
  }

  it('trusts neither schema nor pages, maps no file and waits for no lock inside of SQLite', async () => {
    const provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
    const valuesOf = async (names: string[]) => {
      const values: Record<string, unknown> = {};
      for (const name of names) {
        const [row] = await provider.query(`pragma ${name}`);
        values[name] = Object.values(row as object)[0];
      }
      return values;
    };
    const expected = {
      trusted_schema: 0,
      cell_size_check: 1,
      foreign_keys: 1,
      busy_timeout: 0,
      mmap_size: 0,
      temp_store: 2,
      journal_size_limit: 67_108_864,
    };
    expect(await valuesOf(Object.keys(expected))).to.deep.equal(expected);
    await provider.close();
  });
});

describe('a SQLite file in a folder that nobody can make', () => {
  it('is ConnectionError that names the file, at once', async () => {
    const provider = DatabaseProviderFactory.createProvider<unknown>('sqlite:/proc/nope/below/a.db');
    const error = await rejectionOf(provider.query('select 1'));
    expect(error).to.be.instanceOf(ConnectionError);
    expect((error as Error).message).to.contain('/proc/nope/below/a.db');
    await provider.close();
  });
});

describe('a Node without the Node-API of better-sqlite3', () => {
  it('is told before the driver crashes in it', async () => {
    const program = `
      Object.defineProperty(process.versions, 'napi', { value: '9' });
      const { DatabaseProviderFactory } = await import('./src/core/index.ts');
      const provider = DatabaseProviderFactory.createProvider('sqlite::memory:');
      await provider.query('select 1').catch((error) => console.log(error.code, error.message));
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
    expect(stdout).to.match(/^LIMINAL_CONFIGURATION .*Node-API 10.*Node-API 9/);
  });
});

import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';

describeOnDatabase('sqlite-file', 'a SQLite file is kept from what a crafted one could do', (database) => {
  let provider: DatabaseProvider<unknown>;

  before(async () => {
    provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
    await provider.exec('create table n (i integer) strict');
  });

  after(() => provider.close());

  it('its schema is not trusted, and the size of its cells is checked', async () => {
    expect(await provider.query('pragma trusted_schema')).to.deep.equal([{ trusted_schema: 0 }]);
    expect(await provider.query('pragma cell_size_check')).to.deep.equal([{ cell_size_check: 1 }]);
  });

  it('no extension is loaded', async () => {
    expect(await rejectionOf(provider.query(`select load_extension('x')`))).to.be.instanceOf(Error);
  });

  it('its schema cannot be written as a table', async () => {
    await provider.exec('pragma writable_schema = on').catch(() => undefined);
    const write = provider.exec(`update sqlite_schema set sql = 'create table n (i text)' where name = 'n'`);
    expect(await rejectionOf(write)).to.be.instanceOf(Error);
    await provider.exec('pragma writable_schema = off').catch(() => undefined);
  });

  it('and a value that names a file opens none', async () => {
    const file = join(makeTempDirectory('attach'), 'other.db');
    for (const text of [file, `file:${file}`, `'; attach database '${file}' as other; --`]) {
      await provider.query('select ? as text', [text]);
    }
    expect(existsSync(file)).to.equal(false);
    expect(await provider.query('select name from pragma_database_list')).to.deep.equal([{ name: 'main' }]);
  });
});

/** C24: files and programs of the server's machine are out of reach for whatever this library is given as a value. */
import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { DatabaseProviderFactory, isLiminalDataError } from '../../../../src/core/index.ts';
import { plantText } from '../../../support/secrets/planted-secrets.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres } from './postgres-harness.ts';

/** What a superuser may say; each would read, write or run something outside of the database. */
const dangerous = [
  `copy items to program 'cat > /tmp/liminal-out'`,
  `copy items from program 'echo 1'`,
  `copy items to '/tmp/liminal-out'`,
  `copy items from '/etc/passwd'`,
  `select lo_import('/etc/passwd')`,
  `select lo_export(0, '/tmp/liminal-out')`,
  `select pg_read_file('/etc/passwd')`,
  `select pg_read_binary_file('/etc/passwd')`,
  `select pg_ls_dir('/')`,
  `alter system set archive_command = 'true'`,
  `create extension dblink`,
  `create function run() returns void language c as '/tmp/liminal.so', 'run'`,
];

describeOnPostgres('what a server may do is kept from callers (C24)', (postgres) => {
  it('an ordinary role is refused each of it, told by an error of this library, and its connection goes on', async () => {
    const url = new URL(await postgres.freshUrl());
    const role = `ordinary_${process.pid}_${randomBytes(3).toString('hex')}`;
    const password = randomBytes(12).toString('hex');
    plantText(password);
    await postgres.askServer(url.href, `create role ${role} login password '${password}'`);
    await postgres.askServer(url.href, `grant all on schema public to ${role}`);
    try {
      const own = new URL(url);
      own.username = role;
      own.password = password;
      await using provider = DatabaseProviderFactory.createProvider<object>({
        url: own.href,
        pool: { max: 1 },
      });
      await provider.exec('create table items (id text)');
      for (const text of dangerous) {
        const error = await rejectionOf(provider.query(text));
        expect(isLiminalDataError(error), text).to.equal(true);
        expect((error as Error).message, text).not.to.contain('root:');
        expect(await provider.query('select 1 as one'), text).to.deep.equal([{ one: 1 }]);
      }
    } finally {
      await postgres.askServer(url.href, `drop owned by ${role}`);
      await postgres.askServer(url.href, `drop role ${role}`);
    }
  });

  it('and for a superuser none of it comes out of a value, behind a statement or within one', async () => {
    const url = await postgres.freshUrl();
    await using provider = DatabaseProviderFactory.createProvider<{ items: { id: string } }>(url);
    await provider.exec('create table items (id text)');
    for (const text of dangerous) {
      for (const value of [text, `'; ${text}; --`, `x'); ${text}; --`, `$$; ${text}; --`]) {
        await provider.db.insertInto('items').values({ id: value }).execute();
        const found = await provider.db.selectFrom('items').selectAll().where('id', '=', value).execute();
        expect(found).to.deep.equal([{ id: value }]);
        await sql`delete from items where id = ${value}`.execute(provider.db);
      }
      expect(isLiminalDataError(await rejectionOf(provider.query(`select 1; ${text}`))), text).to.equal(true);
    }
    expect(await provider.query('select count(*)::int as n from items')).to.deep.equal([{ n: 0 }]);
    expect(await provider.query('select count(*)::int as n from pg_largeobject_metadata')).to.deep.equal([
      { n: 0 },
    ]);
  });
});

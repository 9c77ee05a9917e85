import { expect } from 'chai';
import { sql } from 'kysely';
import { join } from 'node:path';
import { DatabaseProviderFactory, QueryError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';

for (const name of ['sqlite-file', 'sqlite-memory'] as const) {
  describeOnDatabase(name, 'the next borrower finds a clean writer', (database) => {
    let provider: DatabaseProvider<unknown>;

    beforeEach(async () => {
      provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
      await provider.exec('create table notes (id integer primary key)');
    });

    afterEach(() => provider.close());

    for (const [pragma, ours] of [
      ['foreign_keys', 1],
      ['recursive_triggers', 0],
      ['ignore_check_constraints', 0],
      ['trusted_schema', 0],
      ['query_only', 0],
    ] as const) {
      it(`behind PRAGMA ${pragma}`, async () => {
        await provider.query(`pragma ${pragma} = ${1 - ours}`);
        expect(await provider.query(`pragma ${pragma}`)).to.deep.equal([{ [pragma]: ours }]);
        await provider.exec('insert into notes values (1)');
      });
    }

    for (const text of [
      'pragma "foreign_keys" = off',
      'pragma [foreign_keys](0)',
      "pragma main . 'foreign_keys' = off",
      'pragma /* quietly */ foreign_keys = off',
      'pragma foreign_keys -- quietly\n = off',
      '/* pragma user_version */ pragma foreign_keys = off',
      'explain pragma foreign_keys = off',
    ]) {
      it(`behind ${JSON.stringify(text)}, however it is written`, async () => {
        await provider.query(text);
        expect(await provider.query('pragma foreign_keys')).to.deep.equal([{ foreign_keys: 1 }]);
      });
    }

    it('and a PRAGMA that would have no effect is refused, however it is written', async () => {
      for (const text of ['pragma "foreign_keys" = off', 'pragma /**/ foreign_keys/**/=0']) {
        const work = provider.transaction((tx) => sql.raw(text).execute(tx));
        expect(await rejectionOf(work), text).to.be.instanceOf(QueryError);
      }
    });

    it('behind temporary tables that refer to each other', async () => {
      await provider.db.connection().execute(async (db) => {
        await sql`create temp table parents (id integer primary key)`.execute(db);
        await sql`create temp table children (parent integer references parents)`.execute(db);
        await sql`insert into parents values (1)`.execute(db);
        await sql`insert into children values (1)`.execute(db);
      });
      expect(await provider.query('select name from temp.sqlite_schema')).to.deep.equal([]);
      expect(await provider.query('pragma foreign_keys')).to.deep.equal([{ foreign_keys: 1 }]);
    });

    it('behind temporary tables, which last as long as their connection is kept', async () => {
      await provider.db.connection().execute(async (db) => {
        await sql`create temp table own (id integer)`.execute(db);
        await sql`create temp view seen as select * from own`.execute(db);
        await sql`insert into own values (1)`.execute(db);
        expect((await sql`select * from seen`.execute(db)).rows).to.deep.equal([{ id: 1 }]);
      });
      expect(await rejectionOf(provider.query('select * from own'))).to.be.instanceOf(QueryError);
      await provider.exec('create temp table own (id integer)');
      await provider.exec('create table own (text text)');
      expect(await provider.query('select * from own')).to.deep.equal([]);
    });

    it('behind an attached database', async () => {
      const other = join(makeTempDirectory('attached'), 'other.db');
      await provider.db.connection().execute(async (db) => {
        await sql`attach ${other} as other`.execute(db);
        await sql`create table other.notes (id integer)`.execute(db);
        expect((await sql`select * from other.notes`.execute(db)).rows).to.deep.equal([]);
      });
      expect(await rejectionOf(provider.query('select * from other.notes'))).to.be.instanceOf(QueryError);
      expect(await provider.query('select * from notes')).to.deep.equal([]);
    });

    it('but a question costs no new connection', async () => {
      await provider.query('pragma table_info(notes)');
      const { created } = provider.stats();
      await provider.query('pragma table_info(notes)');
      await provider.query('pragma foreign_keys');
      expect(provider.stats().created).to.equal(created);
    });
  });
}

import Database from 'better-sqlite3';
import { expect } from 'chai';
import { CompiledQuery, Kysely, SqliteDialect, SqliteDriver, sql } from 'kysely';
import { jsonArrayFrom, jsonObjectFrom } from 'kysely/helpers/sqlite';
import { join } from 'node:path';
import { PooledSqliteDialect } from '../../../../src/core/engine/sqlite/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';
import { comparePrograms, refuseToBegin } from '../dialect-comparison.ts';
import { commonPrograms, countPersons, fieldsOf, jennifer, type Program } from '../dialect-programs.ts';

const programs: Readonly<Record<string, Program>> = {
  async 'values of each type'(db) {
    const list = sql`${'text'} as text, ${7} as whole, ${1.5} as real, ${null} as none, ${2n ** 62n} as big,
      ${Buffer.from('x')} as bytes, ${'a\0b'} as nul, ${1e300} as large, ${NaN} as nan, ${Infinity} as endless`;
    await sql`create table kept (id integer primary key, big integer, any)`.execute(db);
    return [
      fieldsOf(await sql`insert into kept values (1, ${2n ** 62n}, ${'half \ud800'})`.execute(db)),
      fieldsOf(await sql`select * from kept`.execute(db)),
      fieldsOf(await sql`select ${list}`.execute(db)),
      fieldsOf(await sql`select 1 as a, 2 as a`.execute(db)),
      fieldsOf(await sql`insert into kept (any) values (2) returning big, any`.execute(db)),
    ];
  },

  async 'parameters that the driver takes, and those that it refuses'(db, { describe }) {
    const answers = [];
    for (const value of [true, new Date(0), undefined, { a: 1 }, [1, 2], Symbol.iterator, 2n ** 64n]) {
      answers.push(await sql`select ${value} as it`.execute(db).then(fieldsOf, describe));
    }
    const few = CompiledQuery.raw('select ? as one, ? as two', [1]);
    const many = CompiledQuery.raw('select ? as one', [1, 2]);
    for (const query of [few, many]) answers.push(describe(await rejectionOf(db.executeQuery(query))));
    return answers;
  },

  async 'texts that are no single statement'(db, { describe }) {
    const errors = [];
    for (const text of ['', '-- nothing', 'select 1; select 2', 'commit', 'rollback', 'release x']) {
      errors.push(describe(await rejectionOf(db.executeQuery(CompiledQuery.raw(text)))));
    }
    return errors;
  },

  async 'what raw statements give'(db) {
    const texts = [
      'create table kept (id integer primary key)',
      'insert into kept values (4)',
      'pragma user_version',
      'pragma user_version = 3',
      'pragma user_version',
      'with some as (select 5 as id) insert into kept select id from some where id > 0',
      'replace into kept values (4)',
      'values (1), (2)',
      'select id from kept',
      'analyze',
      'vacuum',
      'explain query plan select 1',
    ];
    const answers = [];
    for (const text of texts) answers.push(fieldsOf(await db.executeQuery(CompiledQuery.raw(text))));
    return answers;
  },

  async 'what a statement leaves on its connection stays'(db) {
    const ask = async (text: string) => (await db.executeQuery(CompiledQuery.raw(text))).rows;
    await ask('pragma case_sensitive_like = on');
    const like = await ask("select 'a' like 'A' as alike");
    await ask('create temp table mine (id integer)');
    await ask('insert into mine values (1)');
    await ask("attach ':memory:' as beside");
    await ask('create table beside.there (id integer)');
    await ask('insert into beside.there values (2)');
    const reads = await Promise.all([ask('select * from mine'), ask('select * from beside.there')]);
    await db.connection().execute((connection) => sql`pragma foreign_keys = off`.execute(connection));
    await ask("insert into pet (name, owner_id, species) values ('stray', 99, 'cat')");
    return [like, reads, await ask('pragma foreign_keys'), await ask('select count(*) as count from pet')];
  },

  async 'what a connection remembers of its last write'(db) {
    await db.insertInto('person').values(jennifer).execute();
    const remembered = await sql`select last_insert_rowid() as id, changes() as changes`.execute(db);
    await db.updateTable('person').set({ children: 1 }).execute();
    return [remembered.rows, (await sql`select changes() as changes`.execute(db)).rows];
  },

  async 'a setting that does nothing inside of a transaction'(db) {
    return db.transaction().execute(async (tx) => {
      await sql`pragma foreign_keys = off`.execute(tx);
      return (await sql`pragma foreign_keys`.execute(tx)).rows;
    });
  },

  async 'a transaction goes on behind a statement that failed'(db, { describe }) {
    const error = await db.transaction().execute(async (tx) => {
      await tx.insertInto('person').values(jennifer).execute();
      return rejectionOf(tx.insertInto('pet').values({ name: 'Pet 0', owner_id: 1, species: 'x' }).execute());
    });
    return [describe(error), await countPersons(db)];
  },

  async 'a foreign key that is checked at the end'(db, { describe }) {
    await sql`create table later (id integer references person deferrable initially deferred)`.execute(db);
    const errors = [
      await rejectionOf(sql`insert into later values (99)`.execute(db)),
      await rejectionOf(db.transaction().execute((tx) => sql`insert into later values (99)`.execute(tx))),
    ];
    return [errors.map(describe), (await sql`select * from later`.execute(db)).rows];
  },

  async documents(db) {
    return db
      .selectFrom('person')
      .select((builder) => [
        'first_name',
        jsonArrayFrom(builder.selectFrom('pet').select('name').whereRef('owner_id', '=', 'person.id')).as(
          'pets',
        ),
        jsonObjectFrom(builder.selectFrom('pet').select('name').where('id', '=', -1)).as('none'),
      ])
      .orderBy('id')
      .execute();
  },

  async 'a BEGIN that fails'(db) {
    return refuseToBegin(SqliteDriver, db);
  },
};

const fresh = () => join(makeTempDirectory('pooled'), 'app.db');
const all = { ...commonPrograms, ...programs };

describe('a pooled dialect behaves like Kysely’s own', () => {
  const own = async () => new SqliteDialect({ database: async () => new Database(':memory:') });

  describe('on a file', () => {
    const pooled = async () => new PooledSqliteDialect({ filename: fresh(), durability: 'normal' });
    comparePrograms(all, { own, pooled }, 'integer');
  });

  describe('in memory', () => {
    const pooled = async () => new PooledSqliteDialect({ filename: ':memory:' });
    comparePrograms(all, { own, pooled }, 'integer');
  });

  describe('on a database that is handed over', () => {
    const pooled = async () => new PooledSqliteDialect({ database: new Database(':memory:') });
    comparePrograms(all, { own, pooled }, 'integer');
  });

  it('and serves one Kysely after the other', async () => {
    const dialect = new PooledSqliteDialect({ filename: fresh() });
    for (let use = 0; use < 2; use += 1) {
      await using db = new Kysely<object>({ dialect });
      expect((await sql`select 1 as one`.execute(db)).rows).to.deep.equal([{ one: 1 }]);
      expect(dialect.stats()).to.include({ state: 'running' });
    }
    expect(dialect.stats()).to.include({ state: 'closed', size: 0 });
  });

  it('and keeps the functions of a database that is handed over', async () => {
    const database = new Database(':memory:');
    database.function('twice', (value) => Number(value) * 2);
    {
      await using db = new Kysely<object>({ dialect: new PooledSqliteDialect({ database }) });
      expect((await sql`select twice(21) as answer`.execute(db)).rows).to.deep.equal([{ answer: 42 }]);
    }
    expect(database.open).to.equal(false);
  });
});

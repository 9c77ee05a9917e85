import { expect } from 'chai';
import fc from 'fast-check';
import { sql, type Kysely } from 'kysely';
import { MigrationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { Migrator, type ColumnHelpers } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { migrate, migrateWithoutForeignKeys, readSqliteSchema } from './in-a-migration.ts';
import { openUntyped } from './sample-history.ts';

const uuid = (place: number) => `018f0000-0000-7000-8000-${place.toString(16).padStart(12, '0')}`;

describeOnEachDatabase('a rebuilt table loses nothing', (database) => {
  let provider: DatabaseProvider<any>;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
    await migrate(provider, async (trx, t) => {
      await t.createTable(
        trx,
        'folders',
        (c) => ({
          id: c.id(),
          parent_id: c.nullable(c.references('folders', { onDelete: 'cascade' })),
          title: c.text(),
          color: c.nullable(c.text()),
          version: c.version(),
        }),
        { indexes: [['title']] },
      );
      await t.createTable(trx, 'files', (c) => ({
        id: c.id(),
        folder_id: c.references('folders', { onDelete: 'cascade' }),
      }));
      const folders = Array.from({ length: 500 }, (_, place) => ({
        id: uuid(place),
        parent_id: place === 0 ? null : uuid(Math.floor((place - 1) / 2)),
        title: `folder ${place % 100}`,
        color: 'red',
        version: 1 + (place % 3),
      }));
      await trx.insertInto('folders').values(folders).execute();
      const files = Array.from({ length: 1_500 }, (_, place) => ({
        id: uuid(10_000 + place),
        folder_id: uuid(place % 500),
      }));
      await trx.insertInto('files').values(files).execute();
    });
  });

  after(() => provider.close());

  it('nor the tables that refer to it with ON DELETE CASCADE, itself among them', async () => {
    const readFiles = () => provider.db.selectFrom('files').selectAll().orderBy('id').execute();
    const readFolders = () =>
      provider.db.selectFrom('folders').select(['id', 'parent_id', 'version']).orderBy('id').execute();
    const [files, folders] = [await readFiles(), await readFolders()];
    await migrateWithoutForeignKeys(provider, (trx, t) =>
      t.rebuildTable(
        trx,
        'folders',
        (c) => ({
          id: c.id(),
          parent_id: c.nullable(c.references('folders', { onDelete: 'cascade' })),
          name: c.nullable(c.text()),
          version: c.version(),
        }),
        {
          from: { name: 'title' },
          drop: { columns: ['color'], indexes: ['folders_title_index'] },
          indexes: [['name']],
          alter: () =>
            trx.schema
              .alterTable('folders')
              .renameColumn('title', 'name')
              .execute()
              .then(() => trx.schema.alterTable('folders').dropColumn('color').execute())
              .then(() => sql`alter table folders alter column name drop not null`.execute(trx))
              .then(() => sql`alter index folders_title_index rename to folders_name_index`.execute(trx)),
        },
      ),
    );
    expect(await readFiles()).to.deep.equal(files);
    expect(await readFolders()).to.deep.equal(folders);
    const names = await provider.db.selectFrom('folders').select(['id', 'name']).orderBy('id').execute();
    expect(names.map(({ name }) => name)).to.deep.equal(folders.map((_, place) => `folder ${place % 100}`));
  });

  it('where a migration says that foreign keys are to be off, and only there', async () => {
    const up = (db: Kysely<any>, t: ColumnHelpers) =>
      t.rebuildTable(
        db,
        'folders',
        (c) => ({
          id: c.id(),
          parent_id: c.nullable(c.references('folders', { onDelete: 'cascade' })),
          name: c.withDefault(c.text(), 'none'),
          version: c.version(),
        }),
        {
          alter: () =>
            sql`alter table folders alter name set default 'none', alter name set not null`.execute(db),
        },
      );
    const terms = { name: '0001-names', up, irreversible: 'There is no way back.' };
    const declared = new Migrator(provider, {
      name: 'declared',
      migrations: [{ ...terms, foreignKeys: 'off' }],
    });
    await declared.latest();
    expect(await provider.db.selectFrom('files').selectAll().execute()).to.have.length(1_500);
    if (database.name === 'postgres') return;
    const error = await rejectionOf(new Migrator(provider, { name: 'plain', migrations: [terms] }).latest());
    expect(error).to.be.instanceOf(MigrationError);
    expect(((error as MigrationError).cause as Error).message).to.include("Declare `foreignKeys: 'off'`");
    expect(await provider.db.selectFrom('files').selectAll().execute()).to.have.length(1_500);
  });

  it('and foreign keys hold as before', async () => {
    await provider.db.deleteFrom('folders').where('id', '=', uuid(0)).execute();
    for (const table of ['folders', 'files']) {
      expect(await provider.db.selectFrom(table).selectAll().execute()).to.have.length(0);
    }
  });
});

describeOnDatabase('sqlite-file', 'a table of SQLite made anew', (database) => {
  let provider: DatabaseProvider<any>;

  beforeEach(async () => {
    provider = openUntyped(await database.freshUrl());
  });

  afterEach(() => provider.close());

  const run = async (...statements: readonly string[]) => {
    for (const statement of statements) await provider.exec(statement);
  };
  const rebuild = (name: string, body: string, terms: object = {}) =>
    migrateWithoutForeignKeys(provider, (trx, t) => t.rebuildTable(trx, name, sql.raw(body), terms));

  it('has the schema that a new one has', async () => {
    const make = (name: string) =>
      migrate(provider, async (trx, t) => {
        await t.createTable(trx, 'owners', (c) => ({ id: c.id() }));
        await t.createTable(trx, 'notes', (c) => ({ id: c.id(), [name]: c.text() }), { indexes: [[name]] });
        await sql`create trigger follows after insert on owners begin select count(*) from notes; end`.execute(
          trx,
        );
        await sql`create view counted as select count(*) as n from notes`.execute(trx);
      });
    await make('body');
    const wanted = await readSqliteSchema(provider.db);
    await run('drop trigger follows', 'drop view counted', 'drop table notes', 'drop table owners');
    await make('text');
    await migrateWithoutForeignKeys(provider, (trx, t) =>
      t.rebuildTable(trx, 'notes', (c) => ({ id: c.id(), body: c.text() }), {
        from: { body: 'text' },
        drop: { indexes: ['notes_text_index'] },
        indexes: [['body']],
      }),
    );
    expect(await readSqliteSchema(provider.db)).to.deep.equal(wanted);
  });

  it('keeps its indexes, triggers and views, and those of views', async () => {
    await run(
      'create table t (id integer primary key, a text not null, b text)',
      'create table log (what text)',
      'create unique index t_a on t (a collate nocase) where b is not null',
      'create index t_expression on t (lower(a))',
      `create trigger "on t" after insert on t begin insert into log values ('insert ' || new.a); end`,
      `create trigger t_update after update of a, b on t begin insert into log values ('update ' || new.a); end`,
      `create trigger t_delete before delete on t begin insert into log values ('delete ' || old.a); end`,
      'create trigger other after insert on log begin update t set b = new.what where id = -1; end',
      'create view one as select a, b from t where b is not null',
      'create view two as select a from one',
      `create trigger two_insert instead of insert on two begin insert into t (a) values (new.a); end`,
      `insert into t values (1, 'x', 'y'), (2, 'z', null)`,
      'delete from log',
    );
    const before = await readSqliteSchema(provider.db);
    await rebuild('t', '(id integer primary key, a text not null, b text, c integer not null default 5)');
    const after = await readSqliteSchema(provider.db);
    expect(after.filter((part) => !part.startsWith('table t '))).to.deep.equal(
      before.filter((part) => !part.startsWith('table t ')),
    );
    expect(await provider.query('select count(*) as n from log')).to.deep.equal([{ n: 0 }]);
    await run(
      `insert into two values ('new')`,
      `update t set a = 'newer' where a = 'new'`,
      `delete from t where id = 1`,
    );
    expect(await provider.query('select what from log')).to.deep.equal([
      { what: 'insert new' },
      { what: 'update newer' },
      { what: 'delete x' },
    ]);
    expect(await provider.query('select * from t')).to.deep.equal([
      { id: 2, a: 'z', b: null, c: 5 },
      { id: 3, a: 'newer', b: null, c: 5 },
    ]);
  });

  it('keeps a trigger, whatever its body and its name say', async () => {
    const header = 'create trigger "update of x on" before update of [a], "id" on said';
    const body = `update said set a = 'update of nothing on said'; select 'instead of delete';`;
    await run('create table said (id integer primary key, a text)', `${header} begin ${body} end`);
    await rebuild('said', '(id integer primary key, a text not null)');
    expect((await readSqliteSchema(provider.db)).join()).to.include(body);
  });

  it('never hands out an id again with AUTOINCREMENT', async () => {
    await run(
      'create table t (id integer primary key autoincrement, a text)',
      `insert into t (a) values ('one'), ('two'), ('three')`,
      'delete from t where id > 1',
    );
    await rebuild('t', '(id integer primary key autoincrement, a text not null) strict');
    await run(`insert into t (a) values ('four')`);
    await run('delete from t');
    await rebuild('t', '(id integer primary key autoincrement, a text) strict');
    await run(`insert into t (a) values ('five')`);
    expect(await provider.query('select id from t')).to.deep.equal([{ id: 5 }]);
    expect(await provider.query('select name, seq from sqlite_sequence')).to.deep.equal([
      { name: 't', seq: 5 },
    ]);
  });

  it('may be WITHOUT ROWID, and may come from one', async () => {
    await run(
      'create table t (a text primary key, b integer) without rowid',
      `insert into t values ('x', 1)`,
    );
    await rebuild('t', '(a text primary key, b integer not null) without rowid, strict');
    await rebuild('t', '(a text primary key, b integer not null)');
    await rebuild('t', '(a text not null primary key, b integer not null) strict, without rowid');
    expect(await provider.query('select * from t')).to.deep.equal([{ a: 'x', b: 1 }]);
    await run('create table u (a text collate nocase)', `insert into u values ('A'), ('a')`);
    await rebuild('u', '(id integer primary key, a text) without rowid', { from: { id: sql`rowid` } });
    expect(await provider.query('select a from u order by id')).to.deep.equal([{ a: 'A' }, { a: 'a' }]);
  });

  it('computes generated columns, and turns them into plain ones', async () => {
    const kinds = 'd text generated always as (a || 1) virtual, e text generated always as (a || 2) stored';
    await run(`create table t (id integer primary key, a text, ${kinds})`, `insert into t (a) values ('x')`);
    await rebuild('t', `(id integer primary key, a text not null, ${kinds}) strict`);
    expect(await provider.query('select * from t')).to.deep.equal([{ id: 1, a: 'x', d: 'x1', e: 'x2' }]);
    await rebuild('t', '(id integer primary key, a text not null, d text, e text not null) strict');
    await run(`update t set a = 'y'`);
    expect(await provider.query('select * from t')).to.deep.equal([{ id: 1, a: 'y', d: 'x1', e: 'x2' }]);
  });

  for (const key of ['', 'id integer primary key, ']) {
    it(`is found by its full-text table as before (${key === '' ? 'by rowid' : 'by its key'})`, async () => {
      await run(
        `create table docs (${key}body text)`,
        `create virtual table docs_index using fts5(body, content='docs')`,
        `create trigger docs_insert after insert on docs begin
           insert into docs_index (rowid, body) values (new.rowid, new.body); end`,
        `create trigger docs_delete after delete on docs begin
           insert into docs_index (docs_index, rowid, body) values ('delete', old.rowid, old.body); end`,
        `insert into docs (body) values ('red'), ('green'), ('blue')`,
        `delete from docs where body = 'red'`,
      );
      await rebuild('docs', `(${key}body text not null, size integer not null default 0) strict`);
      await run(`insert into docs_index (docs_index, rank) values ('integrity-check', 1)`);
      const find = `select docs.body from docs_index join docs on docs.rowid = docs_index.rowid where docs_index match 'blue'`;
      expect(await provider.query(find)).to.deep.equal([{ body: 'blue' }]);
      await run(`delete from docs where body = 'blue'`);
      expect(await provider.query(find)).to.deep.equal([]);
    });
  }

  it('holds the same values whatever they are', async () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed() && !text.includes('\0')),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(null, 'A', 'a', '1', 1, 1.5, -0),
    );
    const rows = fc.array(fc.tuple(value, value), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(rows, async (list) => {
        await run('drop table if exists t', 'create table t (a text collate nocase, b any) strict');
        for (const [a, b] of list) {
          await provider.exec('insert into t (a, b) values (cast(? as text), ?)', [a, b]);
        }
        const read = () => provider.query('select rowid, a, b, typeof(b) as type from t order by rowid');
        const before = await read();
        await rebuild('t', '(b any, a text) strict');
        expect(await read()).to.deep.equal(before);
      }),
      { numRuns: soakCount(200) },
    );
  });
});

import { expect } from 'chai';
import { sql } from 'kysely';
import { LiminalDataError, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import type { ColumnHelpers } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { migrate, migrateWithoutForeignKeys, readSqliteSchema } from './in-a-migration.ts';
import { openUntyped } from './sample-history.ts';

type Terms = Parameters<ColumnHelpers['rebuildTable']>[3];

describeOnDatabase('sqlite-file', 'a rebuild that does not fit changes nothing', (database) => {
  let provider: DatabaseProvider<any>;
  let before: unknown;

  const readAll = async () => [
    await readSqliteSchema(provider.db),
    await provider.query('select * from t order by id'),
    await provider.query('select * from children order by id'),
  ];

  beforeEach(async () => {
    provider = openUntyped(await database.freshUrl());
    for (const statement of [
      'create table t (id integer primary key, code text unique, a text, b)',
      'create table children (id integer primary key, t_id integer references t on delete cascade, t_code text)',
      'create index t_b on t (b)',
      `create index t_part on t (a) where b is not null`,
      `insert into t values (1, 'x', 'one', '1'), (2, 'y', 'two', 2)`,
      `insert into children values (1, 1, 'x'), (2, 2, 'y'), (3, 1, 'x')`,
      'create trigger t_b_update after update of b on t begin select 1; end',
      'create trigger child_insert after insert on children begin update t set b = 1 where id = new.t_id; end',
      'create view bs as select b from t',
    ]) {
      await provider.exec(statement);
    }
    before = await readAll();
  });

  afterEach(async () => {
    expect(await readAll()).to.deep.equal(before);
    const [setting] = await provider.query('select foreign_keys as f from pragma_foreign_keys');
    expect(setting).to.deep.equal({ f: 1 });
    await provider.close();
  });

  const rebuild = (body: string, terms: Terms = {}, name = 't') =>
    rejectionOf(
      migrateWithoutForeignKeys(provider, (trx, t) => t.rebuildTable(trx, name, sql.raw(body), terms)),
    );
  const whole = '(id integer primary key, code text unique, a text, b)';
  const withoutB = '(id integer primary key, code text unique, a text)';
  const allOfB = {
    columns: ['b'],
    indexes: ['t_b', 't_part'],
    triggers: ['t_b_update', 'child_insert'],
    views: ['bs'],
  };

  it('where foreign keys are on', async () => {
    const error = await rejectionOf(migrate(provider, (trx, t) => t.rebuildTable(trx, 't', sql.raw(whole))));
    expect(error).to.be.instanceOf(ValidationError);
    expect((error as ValidationError).message).to.include("Declare `foreignKeys: 'off'`");
  });

  it('outside of a transaction', async () => {
    const error = await rejectionOf(
      provider.migrations.columns.rebuildTable(provider.db, 't', sql.raw(whole)),
    );
    expect(error).to.be.instanceOf(ValidationError);
    expect((error as ValidationError).message).to.include('inside of a transaction');
  });

  for (const [what, body, terms, fault, name] of [
    ['where there is no such table', whole, {}, /no table "tt"/u, 'tt'],
    ['where it is a view', whole, {}, /it is a view/u, 'bs'],
    ['where a column would be lost', withoutB, {}, /^b: .*would be lost/u],
    [
      'where a column has no source',
      '(id integer primary key, code text, a text, b, c text not null)',
      {},
      /^c: .*neither a source/u,
    ],
    [
      'where a source is none',
      '(id integer primary key, code text, a text, b, c)',
      { from: { c: 'nothing' } },
      /no column of the old table/u,
    ],
    ['where a source leads nowhere', whole, { from: { c: 'a' } }, /no column of the new table/u],
    ['where what goes is not there', whole, { drop: { columns: ['c'] } }, /no column of the old table/u],
    ['where what goes stays', whole, { drop: { columns: ['b'] } }, /is a source/u],
    ['where an index that goes is not there', whole, { drop: { indexes: ['t_c'] } }, /no index that hangs/u],
    [
      'where an index needs what goes',
      withoutB,
      { drop: { ...allOfB, indexes: ['t_b'] } },
      /index "t_part" does not fit/u,
    ],
    [
      'where a trigger watches what goes',
      withoutB,
      { drop: { ...allOfB, triggers: ['child_insert'] } },
      /updates of "b"/u,
    ],
    [
      'where a trigger of another table writes what goes',
      withoutB,
      { drop: { ...allOfB, triggers: ['t_b_update'] } },
      /trigger "child_insert" does not fit/u,
    ],
    ['where a view reads what goes', withoutB, { drop: { ...allOfB, views: [] } }, /view "bs" does not fit/u],
    [
      'where values would be changed on their way',
      '(id integer primary key, code text unique, a text, b integer) strict',
      {},
      /^b: .*would not arrive as they were/u,
    ],
    ['where constraints stand beside the SQL', whole, { primaryKey: ['id'] }, /belongs into the SQL/u],
    [
      'where rows that refer to it would refer to nothing',
      whole,
      { from: { id: sql`id + 10` } },
      /refers to "t", where nothing is/u,
    ],
  ] satisfies readonly (readonly [string, string, Terms, RegExp, string?])[]) {
    it(what, async () => {
      const error = await rebuild(body, terms, name);
      expect(error).to.be.instanceOf(ValidationError);
      const lines = (error as ValidationError).issues.map(
        ({ path, message }) => `${path.join('.')}: ${message}`,
      );
      expect(lines.join('\n').replace(/^: /u, '')).to.match(fault);
    });
  }

  it('where the name that it has meanwhile is taken', async () => {
    await provider.exec('create table t_rebuilt (id integer)');
    const error = await rebuild(whole);
    expect((error as ValidationError).message).to.include('"t_rebuilt", which is taken');
    await provider.exec('drop table t_rebuilt');
  });

  it('where a row breaks a rule of the new table', async () => {
    expect(
      await rebuild("(id integer primary key, code text unique, a text check (a <> 'two'), b)"),
    ).to.be.instanceOf(LiminalDataError);
  });

  it('where what others refer to is no key any more', async () => {
    await provider.exec('create table by_code (code text references t (code))');
    expect(await rebuild('(id integer primary key, code text, a text, b)')).to.be.instanceOf(
      LiminalDataError,
    );
    await provider.exec('drop table by_code');
  });
});

describeOnDatabase('postgres', 'a table that is altered in place', (database) => {
  let provider: DatabaseProvider<any>;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
    await migrate(provider, (trx, t) => t.createTable(trx, 'notes', (c) => ({ id: c.id(), a: c.text() })));
  });

  after(() => provider.close());

  const rebuild = (alter?: string) =>
    rejectionOf(
      migrateWithoutForeignKeys(provider, (trx, t) =>
        t.rebuildTable(
          trx,
          'notes',
          (c) => ({ id: c.id(), a: c.nullable(c.text()), b: c.withDefault(c.integer(), 1) }),
          alter === undefined ? {} : { alter: () => sql.raw(alter).execute(trx) },
        ),
      ),
    );

  it('must say how', async () => {
    expect(((await rebuild()) as ValidationError).message).to.include('Say in `alter`');
  });

  it('must end with the columns that were named', async () => {
    const error = (await rebuild(
      'alter table notes add column b integer, add column c text',
    )) as ValidationError;
    expect(error).to.be.instanceOf(ValidationError);
    expect(error.issues.map(({ path }) => path[0])).to.deep.equal(['a', 'b', 'c']);
    expect(error.message).to.include('is integer after `alter`, and should be bigint not null');
    const { rows } = await sql`select * from notes`.execute(provider.db);
    expect(rows).to.deep.equal([]);
    expect(
      (await provider.db.introspection.getTables()).find(({ name }) => name === 'notes')?.columns,
    ).to.have.length(2);
  });
});

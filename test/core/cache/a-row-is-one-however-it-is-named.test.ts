import { expect } from 'chai';
import { CamelCasePlugin, sql } from 'kysely';
import { createCache } from '../../../src/core/cache/index.ts';
import { DatabaseProviderFactory, ValidationError } from '../../../src/core/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { AnyDatabase } from './any-table.ts';

const named = 'create table t (id integer primary key, name text not null)';
const old = `insert into t (id, name) values (1, 'old')`;

describeOnEachDatabase('a row is one, however it is named', (database) => {
  it('by a table with its schema, or without', async () => {
    const schema = database.name === 'postgres' ? 'public' : 'main';
    await using opened = await AnyDatabase.open(await database.freshUrl(), [
      named,
      old,
      'create view v as select * from t',
    ]);
    const one = opened.cached(`${schema}.t`);
    const seen = opened.cached('v', { terms: { dependsOn: [`${schema}.T`] } });
    await one.findById(1);
    await one.findMany({});
    await seen.findById(1);
    await opened.provider.exec('update t set name = ? where id = ?', ['new', 1]);
    expect(await one.findById(1)).to.include({ name: 'new' });
    expect(await one.findMany({})).to.deep.equal([{ id: 1, name: 'new' }]);
    expect(await seen.findById(1)).to.include({ name: 'new' });
  });

  it('by several keys of which a write names one', async () => {
    await using opened = await AnyDatabase.open(await database.freshUrl(), [
      'create table t (id integer primary key, email text not null unique, name text)',
      `insert into t values (1, 'e', 'old')`,
    ]);
    const columns = { id: 'integer', email: 'text', name: 'text?' };
    const byId = opened.cached('t', { columns });
    const byEmail = opened.cached('t', { columns, key: 'email', terms: { namespace: 'emails' } });
    for (const [name, where, value] of [
      ['new', 'email', 'e'],
      ['newer', 'id', 1],
    ] as const) {
      await byId.findById(1);
      await byEmail.findById('e');
      await opened.provider.exec(`update t set name = ? where ${where} = ?`, [name, value]);
      expect(await byId.findById(1)).to.include({ name });
      expect(await byEmail.findById('e')).to.include({ name });
    }
    await opened.cache.invalidate({ region: 't', id: 1 });
    expect((await opened.cache.explain('emails', 'e')).answer).to.equal('miss');
  });

  it('and a key names none where a region spans tables', async () => {
    await using opened = await AnyDatabase.open(await database.freshUrl(), [
      named,
      'create table u (code text primary key, name text not null)',
    ]);
    const terms = { namespace: 'both' };
    await opened.cached('t', { terms }).findById(1);
    await opened.cached('u', { columns: { code: 'text', name: 'text' }, key: 'code', terms }).findById('x');
    for (const asking of [
      opened.cache.explain('both', 1),
      opened.cache.invalidate({ region: 'both', id: 1 }),
    ]) {
      expect(await asking.catch((error: unknown) => error)).to.be.instanceOf(ValidationError);
    }
    await opened.cache.invalidate({ namespace: 'both' });
  });

  it('and none by a provider whose plugins give it other names', async () => {
    const provider = DatabaseProviderFactory.createProvider(await database.freshUrl(), {
      plugins: [new CamelCasePlugin()],
    });
    expect(() => createCache(provider)).to.throw(ValidationError, 'plugins');
    await provider.close();
  });

  it('and is changed with what is worked out of it', async () => {
    await using opened = await AnyDatabase.open(await database.freshUrl(), [
      'create table t (id integer primary key, a integer not null, g integer generated always as (a * 2) stored unique)',
      'create table k (id integer primary key, t_g integer not null references t (g) on update cascade)',
      'insert into t (id, a) values (1, 1)',
      'insert into k values (1, 2)',
    ]);
    const kids = opened.cached('k', { columns: { id: 'integer', t_g: 'integer' } });
    const things = opened.cached('t', { columns: { id: 'integer', a: 'integer', g: 'integer' }, key: 'g' });
    await kids.findById(1);
    expect(await things.findById(10)).to.equal(undefined);
    await opened.provider.exec('update t set a = ? where g = ?', [5, 2]);
    expect(await kids.findById(1)).to.deep.equal({ id: 1, t_g: 10 });
    expect(await things.findById(10)).to.include({ id: 1 });
  });
});

for (const name of ['sqlite-file', 'sqlite-memory'] as const) {
  describeOnDatabase(name, 'a row of SQLite', (database) => {
    it('goes where a constraint replaces it', async () => {
      await using opened = await AnyDatabase.open(await database.freshUrl(), [
        'create table t (id integer primary key, email text not null unique on conflict replace) strict',
        'create table k (id integer primary key, t_id integer references t on delete cascade)',
        `insert into t values (1, 'a')`,
        'insert into k values (7, 1)',
      ]);
      const rows = opened.cached('t', { columns: { id: 'integer', email: 'text' } });
      const kids = opened.cached('k', { columns: { id: 'integer', t_id: 'integer?' } });
      await rows.findById(1);
      await kids.findById(7);
      await opened.provider.exec('insert into t (id, email) values (?, ?)', [2, 'a']);
      expect(await rows.findById(1)).to.equal(undefined);
      expect(await kids.findById(7)).to.equal(undefined);
    });

    it('has its number for another name of its key', async () => {
      await using opened = await AnyDatabase.open(await database.freshUrl(), [
        named,
        'create table k (id integer primary key, t_id integer not null references t on update cascade)',
        old,
        'insert into k values (1, 1)',
      ]);
      const rows = opened.cached('t');
      const kids = opened.cached('k', { columns: { id: 'integer', t_id: 'integer' } });
      await rows.findById(1);
      await rows.findById(7);
      await kids.findById(1);
      await opened.provider.exec('update t set rowid = ? where id = ?', [7, 1]);
      expect(await rows.findById(1)).to.equal(undefined);
      expect(await rows.findById(7)).to.include({ name: 'old' });
      expect(await kids.findById(1)).to.include({ t_id: 7 });
    });
  });
}

describeOnDatabase('postgres', 'a row of Postgres', (database) => {
  it('is told by no value where a collation takes others for the same', async () => {
    await using opened = await AnyDatabase.open(await database.freshUrl(), [
      `create collation loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)`,
      'create table t (id text collate loose primary key, name text not null)',
      `insert into t values ('é', 'old')`,
    ]);
    const rows = opened.cached('t', { columns: { id: 'text', name: 'text' } });
    await rows.findById('é');
    await opened.provider.exec('update t set name = ? where id = ?', ['new', 'e']);
    expect(await rows.findById('é')).to.include({ name: 'new' });
  });

  it('nor where a type has several texts for one value', async () => {
    await using opened = await AnyDatabase.open(await database.freshUrl(), [
      'create domain host as inet',
      'create table t (id host primary key, day date not null, name text not null)',
      `insert into t values ('10.0.0.1', '2026-11-30', 'old'), ('10.0.0.2', '2026-11-30', 'old')`,
    ]);
    const columns = { id: 'text', name: 'text' };
    const rows = opened.cached('t', { columns });
    await rows.findById('10.0.0.1');
    await opened.provider.exec('update t set name = ? where id = ?', ['new', '10.0.0.1/32']);
    expect(await rows.findById('10.0.0.1')).to.include({ name: 'new' });
    const days = opened.cached('t', {
      columns: { ...columns, day: 'text' },
      terms: { namespace: 'days', groups: ['day'] },
    });
    expect(await days.count({ day: '2026-11-30' })).to.equal(2);
    await opened.provider.exec('insert into t (id, day, name) values (?, ?, ?)', [
      '10.0.0.3',
      'Nov 30, 2026',
      'new',
    ]);
    expect(await days.count({ day: '2026-11-30' })).to.equal(3);
  });

  it('and is told by its key for all that, where that is another column', async () => {
    await using opened = await AnyDatabase.open(await database.freshUrl(), [
      'create table t (id integer primary key, name text not null, made timestamptz default now(), place inet)',
      `insert into t values (1, 'old'), (2, 'old')`,
    ]);
    const rows = opened.cached('t');
    await rows.findById(1);
    await rows.findById(2);
    await opened.provider.exec('update t set name = ? where id = ?', ['new', 1]);
    expect((await opened.cache.explain('t', 1)).answer).to.equal('miss');
    expect((await opened.cache.explain('t', 2)).answer).to.equal('hit');
  });

  it('nor where two columns differ by case alone', async () => {
    await using opened = await AnyDatabase.open(await database.freshUrl(), [
      'create table t (id integer primary key, "ID" integer not null, name text not null)',
      `insert into t values (1, 5, 'old'), (5, 6, 'old')`,
    ]);
    const rows = opened.cached('t', { columns: { id: 'integer', ID: 'integer', name: 'text' } });
    await rows.findById(1);
    await opened.provider.exec('update t set name = ? where "ID" = ?', ['new', 5]);
    expect(await rows.findById(1)).to.include({ name: 'new' });
  });

  it('is found in a group that was named while its COMMIT was under way', async () => {
    await using opened = await AnyDatabase.open(
      await database.freshUrl(),
      [
        'create table t (id integer primary key, room integer not null)',
        `create function f() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(7); return null; end $$`,
        `create constraint trigger tr after insert on t deferrable initially deferred for each row execute function f()`,
      ],
      { triggers: { t: [] } },
    );
    const columns = { id: 'integer', room: 'integer' };
    await opened.cached('t', { columns }).findMany({});
    const isHeld = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holding = opened.provider.transaction(async (tx) => {
      await sql`select pg_advisory_xact_lock(7)`.execute(tx);
      isHeld.resolve();
      await held.promise;
    });
    await isHeld.promise;
    const writing = opened.provider.exec('insert into t (id, room) values (?, ?)', [1, 7]);
    const waiting = 'select 1 as waits from pg_locks where not granted and locktype = ?';
    await until(async () => (await opened.provider.query(waiting, ['advisory'])).length > 0);
    const later = opened.cached('t', { columns, terms: { groups: ['room'] } });
    expect(await later.findMany({ room: 7 })).to.deep.equal([]);
    held.resolve();
    await Promise.all([holding, writing]);
    expect(await later.findMany({ room: 7 })).to.have.length(1);
  });
});

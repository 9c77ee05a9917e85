import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { sql } from 'kysely';
import { auditMigrations } from '../../../../migrations/audit/index.ts';
import { chatMigrations } from '../../../../migrations/chat/index.ts';
import { healthMigrations } from '../../../../migrations/health/index.ts';
import { legacyMigrations } from '../../../../migrations/legacy/index.ts';
import { outboxMigrations } from '../../../../migrations/outbox/index.ts';
import { sagaMigrations } from '../../../../migrations/saga/index.ts';
import { tokenMigrations } from '../../../../migrations/token/index.ts';
import { MigrationError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { describePlan } from '../../../../src/core/migrate/plan/describe-plan.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { listTables, openUntyped } from '../sample-history.ts';
import { codesOf, planOf, planSets, sending, statementsOf } from './plan-for-show.ts';

const sets = [
  auditMigrations,
  chatMigrations,
  outboxMigrations,
  sagaMigrations,
  tokenMigrations,
  healthMigrations,
  legacyMigrations,
];

describeOnEachDatabase('a plan leaves nothing behind', (database) => {
  let provider: DatabaseProvider<any>;

  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl(), pool: { max: 2, acquireTimeout: 1000 } });
  });

  afterEach(() => provider.close());

  it('of all sets from nothing: there are statements, no danger, and no table behind it', async () => {
    const plan = await planSets(provider, sets);
    expect(plan.error?.cause).to.equal(undefined);
    expect(plan.migrations.map(({ statements }) => statements.length > 0)).not.to.include(false);
    expect(statementsOf(plan.migrations).length).to.be.greaterThan(25);
    expect(codesOf(plan)).to.deep.equal([]);
    expect(plan.dangers).to.equal(0);
    expect(await listTables(provider.db)).to.deep.equal([]);
    expect(describePlan(plan).join('\n'))
      .to.include('chat 0001-accounts (up)')
      .and.include('create table "users"');
  });

  it('nor of the way back: every table that it drops is told, and still there with its rows', async () => {
    await sql`create table kept (id integer primary key)`.execute(provider.db);
    await sql`insert into kept values (1), (2)`.execute(provider.db);
    for (const { migrations } of sets) {
      for (const { up } of migrations) await up(provider.db, provider.migrations.columns);
    }
    const before = await listTables(provider.db);
    const plan = await planSets(provider, sets, 'down');
    expect(plan.error?.cause).to.equal(undefined);
    // The triggers of append-only tables call a function on Postgres.
    const functions = database.name === 'postgres' ? ['drop-object'] : [];
    expect(new Set(codesOf(plan))).to.deep.equal(new Set(['drop-table', ...functions]));
    expect(plan.dangers).to.be.at.least(8);
    const emptied = await planOf(provider, [sending(['delete from kept'])]);
    expect(codesOf(emptied)).to.deep.equal(['delete-rows']);
    expect(await listTables(provider.db)).to.deep.equal(before);
    expect(await provider.query('select count(*) as n from kept')).to.deep.equal([{ n: 2 }]);
  });

  it('nor where a migration fails; its connection is whole again', async () => {
    const plan = await planOf(provider, [sending(['create table a (id integer)', 'select * from nowhere'])]);
    expect(plan.error).to.be.instanceOf(MigrationError);
    expect(await listTables(provider.db)).to.deep.equal([]);
    expect((await planOf(provider, [sending(['create table a (id integer)'])])).error).to.equal(undefined);
  });
});

describeOnDatabase('sqlite-file', 'a plan leaves the file as it is', (database) => {
  it('byte for byte', async () => {
    const url = await database.freshUrl();
    const path = url.slice('sqlite:'.length);
    await using provider = openUntyped(url);
    await sql`create table kept (id integer primary key autoincrement, note text)`.execute(provider.db);
    await sql`insert into kept (note) values ('x')`.execute(provider.db);
    await sql.raw('pragma wal_checkpoint(truncate)').execute(provider.db);
    const before = readFileSync(path);
    await planSets(provider, sets);
    await planOf(provider, [sending([`insert into kept (note) values ('y')`, 'drop table kept'])]);
    await sql.raw('pragma wal_checkpoint(truncate)').execute(provider.db);
    expect(readFileSync(path).equals(before)).to.equal(true);
  });
});

describeOnDatabase('postgres', 'a plan waits for no lock for long', (database) => {
  it('and says who it was that could not go on', async () => {
    const url = await database.freshUrl();
    await using provider = openUntyped(url);
    await using other = openUntyped(url);
    await provider.query('create table busy (id integer)');
    await other.transaction(async (held) => {
      await sql`insert into busy values (1)`.execute(held);
      const alters = sending(['alter table busy add column n integer']);
      const error = await rejectionOf(planOf(provider, [alters], 'up', { lockTimeout: 50 }));
      expect(error).to.be.instanceOf(MigrationError).and.include({ migration: '0001-sends' });
      expect((error as MigrationError).message).to.match(/somebody else holds a lock/);
    });
    expect(await provider.query('show lock_timeout')).not.to.deep.equal([{ lock_timeout: '50ms' }]);
  });

  it('and a killed one is undone by the server', async () => {
    await using provider = openUntyped(await database.freshUrl());
    await provider.query('create table kept (id integer)');
    const plan = planOf(provider, [
      sending([
        'drop table kept',
        'select pg_terminate_backend(pg_backend_pid())',
        'create table more (id integer)',
      ]),
    ]);
    await plan.catch(() => {});
    expect(await listTables(provider.db)).to.deep.equal(['kept']);
  });
});

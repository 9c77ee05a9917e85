import { expect } from 'chai';
import { sql } from 'kysely';
import { QueryError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { describePlan } from '../../../../src/core/migrate/plan/describe-plan.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../../support/database.ts';
import { first, openUntyped, second, third } from '../sample-history.ts';
import { codesOf, planOf, sending, statementsOf } from './plan-for-show.ts';

const secret = 'a parameter that nobody must see';

describeOnEachDatabase('a plan tells what migrations send', (database) => {
  let provider: DatabaseProvider<any>;

  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl(), pool: { max: 1, acquireTimeout: 1000 } });
  });

  afterEach(() => provider.close());

  it('in their order, each with what those before it made', async () => {
    const seen: unknown[] = [];
    const reads = {
      ...third,
      name: '0003-reads',
      up: async (db: Parameters<typeof third.up>[0]) => {
        seen.push(await db.selectFrom('notes').select(['id', 'body']).execute());
        expect((await db.introspection.getTables()).map(({ name }) => name)).to.include('notes');
      },
    };
    const plan = await planOf(provider, [first, second, reads]);
    expect(plan.error?.cause).to.equal(undefined);
    expect(seen).to.deep.equal([[{ id: 1, body: 'first' }]]);
    expect(plan.migrations.map(({ name }) => name)).to.deep.equal([
      '0001-notes',
      '0002-first-note',
      '0003-reads',
    ]);
    expect(statementsOf(plan.migrations).map(({ kind }) => kind)).to.deep.equal([
      'create table',
      'insert',
      'read',
    ]);
    expect(statementsOf(plan.migrations).map(({ tables }) => tables)).to.deep.equal([
      ['notes'],
      ['notes'],
      ['notes'],
    ]);
  });

  it('without a parameter', async () => {
    const inserts = {
      ...second,
      up: async (db: Parameters<typeof second.up>[0]) => {
        await db.insertInto('notes').values({ id: 1, body: secret }).execute();
        await Promise.all(
          [1, 2].map(() => sql`update notes set body = ${secret} where id = ${1}`.execute(db)),
        );
      },
    };
    const plan = await planOf(provider, [first, inserts]);
    expect(statementsOf(plan.migrations).map(({ parameters }) => parameters)).to.deep.equal([0, 2, 2, 2]);
    expect(`${JSON.stringify(plan)}${describePlan(plan).join('\n')}`).not.to.include(secret);
  });

  it('up to the one that fails, with its error', async () => {
    const unheard = {
      ...second,
      up: async (db: Parameters<typeof second.up>[0]) => {
        void sql`insert into nowhere values (1)`.execute(db).catch(() => {});
      },
    };
    const plan = await planOf(provider, [first, unheard, third]);
    expect(plan.migrations.map(({ error }) => error !== undefined)).to.deep.equal([false, true]);
    expect(plan.error).to.include({ set: 'notes', migration: '0002-first-note' });
    expect(statementsOf(plan.migrations)).to.have.lengthOf(2);
    expect(describePlan(plan).join('\n')).to.match(/error: Migration "0002-first-note".*\n +because: /);
  });

  it('and what was reviewed is no danger, and a review of nothing is told', async () => {
    await provider.query('create table notes (id integer, body text, spare text)');
    const reviewed = { 'rename-column': 'nobody reads it', 'add-index': 'it is small', 'no-such-thing': 'x' };
    const sends = [
      'alter table notes rename column body to text',
      'alter table notes drop column spare',
      'drop table notes',
    ];
    const [migration] = (
      await planOf(provider, [sending(sends, { destructive: 'they are copies', reviewed })])
    ).migrations;
    expect(
      migration?.statements.flatMap(({ dangers }) => dangers.map((danger) => [danger.code, danger.reviewed])),
    ).to.deep.equal([
      ['rename-column', 'nobody reads it'],
      ['drop-column', 'they are copies'],
      ['drop-table', 'they are copies'],
    ]);
    expect(migration?.stale).to.deep.equal([
      { code: 'add-index', why: 'did not occur' },
      { code: 'no-such-thing', why: 'no such code' },
    ]);
    expect((await planOf(provider, [sending(sends, { reviewed })])).dangers).to.equal(2);
  });

  it('and a review is not stale because the plan begins with nothing', async () => {
    const index = sending(
      ['create index i on notes (body)'],
      { reviewed: { 'add-index': 'it is small' } },
      '0002-index',
    );
    const plan = await planOf(provider, [first, index]);
    expect(plan.migrations.map(({ stale }) => stale.length)).to.deep.equal([0, 0]);
  });

  it('and one without a transaction may begin its own, and go on behind a failure', async () => {
    const bare = {
      ...third,
      transaction: false,
      up: async (db: Parameters<typeof third.up>[0]) => {
        await sql`insert into nowhere values (1)`.execute(db).catch(() => {});
        await db.transaction().execute((trx) => sql`insert into notes values (1, 'kept')`.execute(trx));
        const undone = db.transaction().execute(async (trx) => {
          await sql`insert into notes values (2, 'undone')`.execute(trx);
          throw new Error('undo');
        });
        await undone.catch(() => {});
        expect((await sql`select id from notes`.execute(db)).rows).to.deep.equal([{ id: 1 }]);
      },
    };
    const plan = await planOf(provider, [first, bare]);
    expect(plan.error?.cause).to.equal(undefined);
    expect(plan.migrations[1]?.transaction).to.equal(false);
  });

  it('and what cannot be taken back is an error of the plan', async () => {
    const oneWay = { name: '0001-one-way', up: () => Promise.resolve(), irreversible: 'the rows are gone' };
    const { error } = await planOf(provider, [oneWay], 'down');
    expect(error?.cause)
      .to.be.instanceOf(Error)
      .and.have.property('message')
      .that.includes('the rows are gone');
  });
});

describeOnDatabase('postgres', 'a plan runs what cannot run in a transaction in another form', (database) => {
  it('so that what follows finds its effect', async () => {
    await using provider = openUntyped(await database.freshUrl());
    await provider.query('create table notes (id integer not null, body text)');
    const plan = await planOf(provider, [
      sending(
        ['/* concurrently */ create unique index concurrently "concurrently" on notes (id)', 'vacuum notes'],
        { transaction: false },
      ),
      sending(['alter table notes add constraint k primary key using index "concurrently"'], {}, '0002-key'),
    ]);
    expect(plan.error?.cause).to.equal(undefined);
    expect(statementsOf(plan.migrations).map(({ executed }) => executed)).to.deep.equal([
      'in another form',
      'no',
      'as written',
    ]);
    expect(codesOf(plan)).to.deep.equal([]);
    expect(statementsOf(plan.migrations)[0]?.locks).to.deep.equal([
      { table: 'notes', mode: 'SHARE UPDATE EXCLUSIVE' },
    ]);
    const inside = await planOf(provider, [sending(['create index concurrently i on notes (id)'])]);
    expect(inside.error?.cause).to.be.instanceOf(QueryError);
    expect(codesOf(inside)).to.deep.equal(['concurrently-in-transaction']);
  });
});

describeOnDatabase('sqlite-file', 'a plan keeps foreign keys out of the way', (database) => {
  it('where a migration asks for it, and puts them back', async () => {
    await using provider = openUntyped({ url: await database.freshUrl(), pool: { max: 1 } });
    await provider.query('create table parents (id integer primary key)');
    await provider.query('create table children (id integer references parents (id) on delete cascade)');
    await provider.query('insert into parents values (1)');
    await provider.query('insert into children values (1)');
    const counted: unknown[] = [];
    const drops = {
      ...sending([], { foreignKeys: 'off' }),
      up: async (db: Parameters<typeof first.up>[0]) => {
        await sql`drop table parents`.execute(db);
        counted.push(...(await sql`select count(*) as n from children`.execute(db)).rows);
      },
    };
    expect((await planOf(provider, [drops])).error?.cause).to.equal(undefined);
    expect(counted).to.deep.equal([{ n: 1 }]);
    expect(
      await provider.db.connection().execute(async (db) => (await sql`pragma foreign_keys`.execute(db)).rows),
    ).to.deep.equal([{ foreign_keys: 1 }]);
    const pragma = await planOf(provider, [sending(['pragma foreign_keys = off'])]);
    expect(pragma.error?.cause).to.be.instanceOf(QueryError);
  });
});

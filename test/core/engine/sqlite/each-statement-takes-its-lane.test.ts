import { expect } from 'chai';
import { sql } from 'kysely';
import { DatabaseProviderFactory, QueryError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { kindOf, leavesTraces } from '../../../../src/core/engine/sqlite/statement-kind.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';

describe('the first word of a statement says its kind', () => {
  const kinds = {
    read: [
      'select 1',
      'SELECT 1',
      ' \n\t select 1',
      '(select 1)',
      ';; select 1',
      '-- update\nselect 1',
      '/* delete */ select 1',
      '/**/values (1)',
      'with a as (select 1) select * from a',
      'with a as (select 1) insert into b select * from a',
    ],
    write: [
      'insert into a values (1)',
      'replace into a values (1)',
      'Update a set b = 1',
      '/* select */delete from a',
    ],
    other: [
      '',
      '-- select 1',
      '/* select 1',
      'pragma foreign_keys = off',
      '/* select */ pragma user_version',
      'begin',
      'savepoint a',
      'attach ? as b',
      'vacuum',
      'create table a (b)',
      'explain select 1',
      'selecting',
      'constructor',
      'select last_insert_rowid()',
      'select CHANGES ()',
      'select total_changes()',
    ],
  } as const;

  for (const [kind, texts] of Object.entries(kinds)) {
    it(kind, () => {
      for (const text of texts) expect(kindOf(text), text).to.equal(kind);
    });
  }

  it('however long what stands before it is', () => {
    expect(kindOf(`${' '.repeat(1_000_000)}select 1`)).to.equal('read');
    expect(kindOf('/*'.repeat(500_000))).to.equal('other');
  });

  it('and whether it leaves something on its connection', () => {
    for (const text of [
      'pragma foreign_keys = off',
      'pragma main.recursive_triggers(1)',
      'attach ? as b',
      'detach b',
      'create temp table a (b)',
      'CREATE TEMPORARY VIEW a as select 1',
      'create table temp.a (b)',
    ]) {
      expect(leavesTraces(text), text).to.equal(true);
    }
    for (const text of [
      'pragma foreign_keys',
      'pragma table_info(a)',
      'create table a (b)',
      'vacuum',
      'begin',
    ]) {
      expect(leavesTraces(text), text).to.equal(false);
    }
  });
});

describeOnDatabase('sqlite-file', 'each statement takes its lane', (database) => {
  let provider: DatabaseProvider<unknown>;

  beforeEach(async () => {
    provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
    await provider.exec('create table notes (id integer primary key)');
  });

  afterEach(() => provider.close());

  it('so that a write behind WITH is one', async () => {
    const text = 'with fresh (id) as (values (1), (2)) insert into notes select id from fresh';
    expect(await provider.exec(text)).to.equal(2);
    expect(await provider.query(`${text.replace('1', '3').replace('2', '4')} returning id`)).to.deep.equal([
      { id: 3 },
      { id: 4 },
    ]);
    const seen: unknown[] = [];
    const stream = sql`with fresh (id) as (values (5)) insert into notes select id from fresh returning id`;
    for await (const row of provider.db.getExecutor().stream(stream.compile(provider.db), 1))
      seen.push(row.rows);
    expect(seen).to.deep.equal([[{ id: 5 }]]);
  });

  it('so that no PRAGMA is prepared on a reader, which would run it', async () => {
    await provider.query('select 1');
    await provider.query('pragma query_only = off');
    await provider.query(' /* select */ PRAGMA foreign_keys = off');
    const settings = await provider.transaction(
      async (tx) => {
        const { rows: keys } = await sql`pragma foreign_keys`.execute(tx);
        const { rows: only } = await sql`pragma query_only`.execute(tx);
        return [...keys, ...only];
      },
      { readOnly: true },
    );
    expect(settings).to.deep.equal([{ foreign_keys: 1 }, { query_only: 1 }]);
  });

  it('so that what the writer remembers is asked of the writer', async () => {
    await provider.db.connection().execute(async (db) => {
      await sql`insert into notes values (41)`.execute(db);
      const { rows } = await sql`select last_insert_rowid() as id, changes() as n`.execute(db);
      expect(rows).to.deep.equal([{ id: 41, n: 1 }]);
    });
  });

  it('or refused where others have written meanwhile, rather than answered with theirs', async () => {
    const others = ['insert into notes values (42)', 'insert or fail into notes values (43), (42)'];
    for (const [index, other] of others.entries()) {
      await provider.db.connection().execute(async (db) => {
        await sql`insert into notes values (${index})`.execute(db);
        await provider.exec(other).catch(() => {});
        const error = await rejectionOf(sql`select last_insert_rowid() as id`.execute(db));
        expect(error).to.be.instanceOf(QueryError);
      });
    }
  });

  it('also once a read-only transaction has asked a reader the same', async () => {
    await provider.exec('insert into notes values (41)');
    const asked = 'select last_insert_rowid() as id';
    await provider.transaction((tx) => sql.raw(asked).execute(tx), { readOnly: true });
    expect(await provider.query(asked)).to.deep.equal([{ id: 41 }]);
  });
});

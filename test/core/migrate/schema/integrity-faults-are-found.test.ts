import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'chai';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { openUntyped } from '../sample-history.ts';
import { runScript, scriptOf } from './schema-scripts.ts';

const families = [
  'create table parents (id integer primary key)',
  'create table children (id integer primary key, parent_id integer references parents (id))',
  'insert into parents (id) values (1)',
  'insert into children (id, parent_id) values (1, 1), (2, null)',
];

function findFaults(provider: DatabaseProvider<any>): Promise<readonly string[]> {
  return provider.migrations.findIntegrityFaults(provider.db);
}

describeOnEachDatabase('integrity faults are found', (database) => {
  it('none where all is well, also within a transaction', async () => {
    await using provider = openUntyped(await database.freshUrl());
    expect(await findFaults(provider)).to.deep.equal([]);
    await runScript(provider.db, scriptOf(database.name));
    expect(await findFaults(provider)).to.deep.equal([]);
    const inside = provider.db.transaction().execute((trx) => provider.migrations.findIntegrityFaults(trx));
    expect(await inside).to.deep.equal([]);
  });
});

describeOnDatabase('sqlite-file', 'integrity faults are found', (database) => {
  /** Breaks a database by a handle that keeps no rule, then asks for its faults. */
  async function faultsBehind(...statements: readonly string[]): Promise<readonly string[]> {
    const url = await database.freshUrl();
    const plain = new BetterSqlite3(url.slice('sqlite:'.length));
    plain.unsafeMode(true);
    plain.pragma('foreign_keys = off');
    for (const statement of [...families, ...statements]) plain.exec(statement);
    plain.close();
    await using provider = openUntyped(url);
    return await findFaults(provider);
  }

  it('a row that refers to nothing', async () => {
    expect(await faultsBehind('insert into children (id, parent_id) values (7, 99)')).to.deep.equal([
      'Table children: 1 row refers by (parent_id) to a row of parents that is not there, its rowid is 7. Bring the missing rows back, or delete or mend those that refer to them.',
    ]);
  });

  it('many rows in one line, and a table without rowids', async () => {
    const faults = await faultsBehind(
      'create table "odd ones" (a integer, b integer references parents, primary key (a)) without rowid',
      'insert into "odd ones" values (1, 50)',
      'insert into children (id, parent_id) values (7, 99), (8, 98), (9, 97)',
    );
    expect(faults).to.have.lengthOf(2);
    expect(faults[0]).to.match(/^Table children: 3 rows refer .*, the first rowid is 7\./);
    expect(faults[1]).to.match(
      /^Table "odd ones": 1 row refers by \(b\) to a row of parents that is not there\. /,
    );
  });

  it('a parent that cannot be referred to', async () => {
    const faults = await faultsBehind(
      'create table orphans (a integer references parents (nowhere))',
      'insert into orphans values (1)',
    );
    expect(faults).to.have.lengthOf(1);
    expect(faults[0]).to.match(/^The foreign keys cannot be checked: /);
  });

  it('a row that breaks a CHECK, and an index that lacks an entry', async () => {
    const faults = await faultsBehind(
      'create table t (a integer check (a > 0), b text)',
      'create index t_b on t (b)',
      'pragma ignore_check_constraints = on',
      `insert into t values (-1, 'x')`,
      'pragma writable_schema = on',
      `update sqlite_schema set sql = 'create index t_b on t (a)' where name = 't_b'`,
    );
    expect(faults.some((line) => /CHECK constraint failed in t/.test(line))).to.equal(true);
    expect(faults.some((line) => /missing from index t_b/.test(line))).to.equal(true);
  });
});

describeOnDatabase('postgres', 'integrity faults are found', (database) => {
  it('a constraint that was never validated', async () => {
    await using provider = openUntyped(await database.freshUrl());
    await runScript(provider.db, [
      ...families,
      'alter table children add constraint children_id_check check (id > 5) not valid',
    ]);
    expect(await findFaults(provider)).to.deep.equal([
      'Constraint children_id_check of table children was never validated: rows from before it may break it. Run: alter table children validate constraint children_id_check',
    ]);
    await runScript(provider.db, [
      'delete from children',
      'alter table children validate constraint children_id_check',
    ]);
    expect(await findFaults(provider)).to.deep.equal([]);
  });

  it('an index that could not be built', async () => {
    await using provider = openUntyped(await database.freshUrl());
    await runScript(provider.db, [...families, 'insert into children (id, parent_id) values (3, 1)']);
    const build = runScript(provider.db, [
      'create unique index concurrently "One child" on children (parent_id)',
    ]);
    expect(await rejectionOf(build)).to.be.instanceOf(Error);
    expect(await findFaults(provider)).to.deep.equal([
      'Index "One child" of table children is not valid: no query uses it. Where no CREATE INDEX CONCURRENTLY is building it, run: drop index "One child"; then make it again.',
    ]);
  });

  it('an index that is ready for writes and not for reads', async () => {
    await using provider = openUntyped(await database.freshUrl());
    await runScript(provider.db, [
      'create table days (day date) partition by range (day)',
      `create table days_2020 partition of days for values from ('2020-01-01') to ('2021-01-01')`,
      'create index days_day on only days (day)',
    ]);
    const faults = await findFaults(provider);
    expect(faults).to.have.lengthOf(1);
    expect(faults[0]).to.match(/^Index days_day of table days is not valid/);
  });

  it('a foreign key that is switched off', async () => {
    await using provider = openUntyped(await database.freshUrl());
    await runScript(provider.db, [...families, 'alter table children disable trigger all']);
    const faults = await findFaults(provider);
    expect(faults).to.have.lengthOf(1);
    expect(faults[0]).to.match(/^Foreign key children_parent_id_fkey is not enforced/);
    await runScript(provider.db, ['alter table children enable trigger all']);
    expect(await findFaults(provider)).to.deep.equal([]);
  });

  it('what lies in another schema is not looked at', async () => {
    await using provider = openUntyped(await database.freshUrl());
    await runScript(provider.db, [
      'create schema annex',
      'create table annex.t (a integer)',
      'alter table annex.t add constraint t_a check (a > 5) not valid',
    ]);
    expect(await findFaults(provider)).to.deep.equal([]);
  });
});

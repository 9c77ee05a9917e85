import Database from 'better-sqlite3';
import { expect } from 'chai';
import fc from 'fast-check';
import { SqliteDatabase } from '../../../../src/core/engine/sqlite/sqlite-database.ts';
import { plainValues, providerValues } from '../../../../src/core/engine/sqlite/sqlite-values.ts';

/** What a caller may run, and what a connection runs by itself. */
const statements = [
  'begin',
  'begin immediate',
  'commit',
  'end',
  'rollback',
  'savepoint here',
  'release here',
  'rollback to here',
  'select * from notes',
  "select json('no json')",
  'pragma user_version',
  'insert into notes values (1) returning id',
  'insert or ignore into notes values (1)',
  'insert or rollback into notes values (1)',
  'insert into notes values (13)',
  'insert into notes values (13) returning id',
  'create table if not exists others (id integer)',
];

type Way = (database: SqliteDatabase, sql: string) => unknown;

const ways: Readonly<Record<string, Way>> = {
  run: (database, sql) => database.run(sql, []),
  read: (database, sql) => database.read(sql, []),
  command: (database, sql) => database.command(sql),
  script: (database, sql) => database.script(sql),
  iterate: (database, sql) => [...database.iterate(sql, [])],
  rollBack: (database) => database.rollBack(),
};

const step = fc.record({
  way: fc.constantFrom(...Object.keys(ways)),
  sql: fc.constantFrom(...statements),
});

/** With a table whose triggers roll back the transaction of a row. */
function open() {
  const handle = new Database(':memory:');
  handle.exec(`create table notes (id integer primary key);
    create trigger refuse before insert on notes when new.id = 13 begin select raise(rollback, 'no'); end`);
  return handle;
}

function attempt(work: () => unknown): void {
  try {
    work();
  } catch {
    // Whatever SQLite makes of it: here it counts how the transaction stands behind it.
  }
}

describe('a connection to SQLite knows whether it is inside of a transaction', () => {
  it('whatever began it and whatever ended it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const handle = open();
        const database = new SqliteDatabase(handle, providerValues);
        for (const { way, sql } of steps) {
          attempt(() => ways[way]?.(database, sql));
          expect(database.inTransaction).to.equal(handle.inTransaction);
        }
        database.close();
        expect(database.inTransaction).to.equal(false);
      }),
      { numRuns: 500 },
    );
  });

  it('also where the owner of a connection that was handed over ends it beside us', () => {
    const handle = open();
    const database = new SqliteDatabase(handle, plainValues);
    database.command('begin');
    expect(database.inTransaction).to.equal(true);
    handle.exec('rollback');
    expect(database.inTransaction).to.equal(false);
    database.close();
  });
});

import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'chai';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, CorruptDatabaseError } from '../../../../src/core/index.ts';
import { snapshotSqlite } from '../../../../src/core/engine/sqlite/index.ts';
import { lookAtFolder } from '../../../chat/legacy/legacy-files.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';

const rows = 500;

/** Makes a database of some rows. */
function makeDatabase(mode: 'wal' | 'delete'): { file: string; database: BetterSqlite3.Database } {
  const file = join(makeTempDirectory('source'), 'app.db');
  const database = new BetterSqlite3(file);
  database.pragma(`journal_mode = ${mode}`);
  database.pragma('wal_autocheckpoint = 0');
  database.exec('create table t (n integer, text text)');
  const insert = database.prepare('insert into t values (?, ?)');
  for (let n = 0; n < rows; n += 1) insert.run(n, 'x'.repeat(100));
  return { file, database };
}

/** What a crash leaves of a database that somebody had open: its files as they are now. */
function crash(file: string): string {
  const copy = join(makeTempDirectory('crashed'), 'app.db');
  for (const ending of ['', '-wal', '-shm', '-journal']) {
    if (existsSync(`${file}${ending}`)) copyFileSync(`${file}${ending}`, `${copy}${ending}`);
  }
  return copy;
}

/** As if nobody had written for a while. */
function letRest(file: string): void {
  for (const name of readdirSync(join(file, '..'))) utimesSync(join(file, '..', name), 1_000, 1_000);
}

function target(): string {
  return join(makeTempDirectory('snapshot'), 'snapshot.db');
}

function countRows(file: string): unknown {
  const database = new BetterSqlite3(file, { readonly: true });
  try {
    return database.prepare('select count(*) from t').pluck().get();
  } finally {
    database.close();
  }
}

describe('a snapshot of a SQLite database', () => {
  const cases: Readonly<Record<string, () => string>> = {
    'with a rollback journal'() {
      const { file, database } = makeDatabase('delete');
      database.close();
      return file;
    },
    'with a write-ahead log that was closed'() {
      const { file, database } = makeDatabase('wal');
      database.close();
      return file;
    },
    'whose process crashed with rows in the log'() {
      const { file, database } = makeDatabase('wal');
      const crashed = crash(file);
      database.close();
      letRest(crashed);
      return crashed;
    },
    'whose process crashed within a transaction'() {
      const { file, database } = makeDatabase('delete');
      database.pragma('cache_size = 1');
      database.exec('begin; update t set text = n; delete from t where n % 2 = 0');
      const crashed = crash(file);
      database.close();
      expect(existsSync(`${crashed}-journal`)).to.equal(true);
      letRest(crashed);
      return crashed;
    },
  };

  for (const [what, make] of Object.entries(cases)) {
    it(`${what} holds all that was committed, and leaves no trace`, async () => {
      const file = make();
      const before = lookAtFolder(file);
      const copy = target();
      const report = await snapshotSqlite(file, copy);
      expect(report).to.include({ file: copy, bytes: statSync(copy).size });
      expect(lookAtFolder(file)).to.deep.equal(before);
      expect(countRows(copy)).to.equal(rows);
      expect(readdirSync(join(copy, '..'))).to.deep.equal(['snapshot.db']);
      expect(statSync(copy).mode & 0o777).to.equal(0o600);
    });
  }

  it('that may only be read is one as well', async () => {
    const { file, database } = makeDatabase('wal');
    database.close();
    chmodSync(file, 0o444);
    const copy = target();
    await snapshotSqlite(file, copy);
    expect(countRows(copy)).to.equal(rows);
  });

  it('that is used holds one moment, changes neither the file nor its log, and stops nobody', async () => {
    const { file, database } = makeDatabase('wal');
    const before = lookAtFolder(file);
    const copy = target();
    await snapshotSqlite(file, copy);
    const after = lookAtFolder(file);
    for (const name of ['app.db', 'app.db-wal']) expect(after[name]).to.equal(before[name]);
    expect(countRows(copy)).to.equal(rows);
    database.exec('delete from t');
    database.close();
    expect(countRows(copy)).to.equal(rows);
  });

  it('is refused where there is no database, no place for it, or no sound one', async () => {
    const { file, database } = makeDatabase('delete');
    database.close();
    const nowhere = join(makeTempDirectory('source'), 'nowhere.db');
    expect(await rejectionOf(snapshotSqlite(nowhere, target()))).to.be.instanceOf(ConfigurationError);
    const taken = target();
    writeFileSync(taken, 'mine');
    expect(await rejectionOf(snapshotSqlite(file, taken))).to.be.instanceOf(ConfigurationError);
    expect(await rejectionOf(snapshotSqlite(file, join(taken, 'below', 'x.db')))).to.be.instanceOf(
      ConfigurationError,
    );
    const broken = join(makeTempDirectory('source'), 'broken.db');
    writeFileSync(broken, 'no database at all, however long one looks at it');
    const copy = target();
    expect(await rejectionOf(snapshotSqlite(broken, copy))).to.be.instanceOf(CorruptDatabaseError);
    expect(readdirSync(join(copy, '..'))).to.deep.equal([]);
  });
});

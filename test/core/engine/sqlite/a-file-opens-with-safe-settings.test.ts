import { expect } from 'chai';
import { sql } from 'kysely';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CheckViolationError,
  ConnectionError,
  CorruptDatabaseError,
  DatabaseProviderFactory,
  LiminalDataError,
  QueryError,
  ValidationError,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';

describeOnDatabase('sqlite-file', 'a SQLite file', () => {
  const opened: DatabaseProvider<unknown>[] = [];

  function open(filename: string): DatabaseProvider<unknown> {
    const provider = DatabaseProviderFactory.createProvider<unknown>({
      type: 'sqlite',
      connection: { filename },
    });
    opened.push(provider);
    return provider;
  }

  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())));

  it('keeps a write-ahead log, flushes every commit, holds foreign keys and distrusts its schema', async () => {
    const provider = open(join(makeTempDirectory('settings'), 'a.db'));
    const settings: Record<string, unknown> = {};
    for (const name of ['journal_mode', 'synchronous', 'foreign_keys', 'trusted_schema', 'busy_timeout']) {
      const [row] = await provider.query(`pragma ${name}`);
      settings[name] = Object.values(row as object)[0];
    }
    expect(settings).to.deep.equal({
      journal_mode: 'wal',
      synchronous: 2,
      foreign_keys: 1,
      trusted_schema: 0,
      busy_timeout: 0,
    });
  });

  it('is made together with its folders, at the first use and not before', async () => {
    const folder = join(makeTempDirectory('folders'), 'not', 'yet');
    const provider = open(join(folder, 'a.db'));
    const { existsSync } = await import('node:fs');
    expect(existsSync(folder)).to.equal(false);
    await provider.initialize();
    expect(existsSync(join(folder, 'a.db'))).to.equal(true);
  });

  it('that is no database is CorruptDatabaseError, and is left as it is', async () => {
    const filename = join(makeTempDirectory('text'), 'a.db');
    const text = 'this is a letter and no database, however long it is'.repeat(100);
    writeFileSync(filename, text);
    expect(await rejectionOf(open(filename).query('select 1 as one'))).to.be.instanceOf(CorruptDatabaseError);
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(filename, 'utf8')).to.equal(text);
  });

  it('that is a folder, or lies below a file, is ConnectionError', async () => {
    const folder = makeTempDirectory('folder');
    mkdirSync(join(folder, 'a.db'));
    expect(await rejectionOf(open(join(folder, 'a.db')).query('select 1'))).to.be.instanceOf(ConnectionError);
    writeFileSync(join(folder, 'file'), '');
    expect(await rejectionOf(open(join(folder, 'file', 'a.db')).query('select 1'))).to.be.instanceOf(
      ConnectionError,
    );
  });

  it('that cannot be opened now can be opened later, by the same provider', async () => {
    const folder = makeTempDirectory('later');
    writeFileSync(join(folder, 'b'), '');
    const provider = open(join(folder, 'b', 'a.db'));
    await rejectionOf(provider.initialize());
    const { rmSync } = await import('node:fs');
    rmSync(join(folder, 'b'));
    await provider.initialize();
    expect(provider.stats()).to.include({ size: 1, busy: 0 });
  });

  it('refuses what SQLite cannot bind, with what to hand over instead', async () => {
    const provider = open(join(makeTempDirectory('bind'), 'a.db'));
    for (const value of [new Date(0), { a: 1 }, [1]]) {
      expect(await rejectionOf(provider.query('select ? as v', [value]))).to.be.instanceOf(ValidationError);
    }
    expect(await provider.query('select ? as yes, ? as no', [true, false])).to.deep.equal([
      { yes: 1, no: 0 },
    ]);
  });

  it('takes integers of a write that returns rows for what they are', async () => {
    const provider = open(join(makeTempDirectory('returning'), 'a.db'));
    await provider.exec('create table n (i integer, r real) strict');
    expect(await provider.query('insert into n (r) values (?) returning r', [1e300])).to.deep.equal([
      { r: 1e300 },
    ]);
    const error = await rejectionOf(
      provider.query('insert into n (i) values (9007199254740993) returning i'),
    );
    expect(error).to.be.instanceOf(LiminalDataError).and.not.instanceOf(QueryError);
    expect(await provider.query('select r from n where r is not null')).to.deep.equal([{ r: 1e300 }]);
  });

  it('refuses text in a column of numbers, as a broken CHECK that names the column', async () => {
    const provider = open(join(makeTempDirectory('strict'), 'a.db'));
    await provider.exec('create table n (i integer) strict');
    const error = await rejectionOf(provider.exec('insert into n values (?)', ['many']));
    expect(error).to.be.instanceOf(CheckViolationError);
    expect((error as CheckViolationError).columns).to.deep.equal(['i']);
  });

  it('refuses to switch foreign keys off inside a transaction, where it would do nothing', async () => {
    const provider = open(join(makeTempDirectory('keys'), 'a.db'));
    for (const text of ['pragma foreign_keys = off', ' PRAGMA main.foreign_keys(0)']) {
      const inside = provider.transaction((tx) => sql.raw(text).execute(tx));
      expect(await rejectionOf(inside)).to.be.instanceOf(QueryError);
    }
    expect(await provider.query('pragma foreign_keys')).to.deep.equal([{ foreign_keys: 1 }]);
  });

  it('rolls back a transaction that SQL left open on its connection, before the next caller comes', async () => {
    const provider = open(join(makeTempDirectory('open'), 'a.db'));
    await provider.exec('create table n (i integer) strict');
    await provider.db.connection().execute(async (db) => {
      await sql`begin immediate`.execute(db);
      await sql`insert into n values (1)`.execute(db);
    });
    expect(await provider.query('select count(*) as n from n')).to.deep.equal([{ n: 0 }]);
  });
});

import Database from 'better-sqlite3';
import { expect } from 'chai';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checkpoints } from '../../../../src/core/engine/sqlite/checkpoints.ts';
import { SqliteDatabase } from '../../../../src/core/engine/sqlite/sqlite-database.ts';
import { walLimit } from '../../../../src/core/engine/sqlite/sqlite-settings.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';

describe('a checkpoint of the library', () => {
  let filename: string;
  let writer: SqliteDatabase;
  let reader: SqliteDatabase;
  /** A name whose log is said to be long: a real one of this size would take its time. */
  let long: string;

  beforeEach(() => {
    const folder = makeTempDirectory('checkpoints');
    filename = join(folder, 'app.db');
    long = join(folder, 'long.db');
    writeFileSync(`${long}-wal`, '');
    truncateSync(`${long}-wal`, walLimit + 1);
    writer = new SqliteDatabase(new Database(filename));
    writer.configure({ kind: 'writer', durability: 'normal', memory: false });
    writer.run('create table notes (id integer)', []);
    reader = new SqliteDatabase(new Database(filename));
    reader.configure({ kind: 'reader', durability: 'normal', memory: false });
  });
  afterEach(() => {
    reader.close();
    writer.close();
  });

  it('is not made while the log is short', () => {
    const checkpoints = new Checkpoints();
    expect(checkpoints.shortenLog(writer, filename)).to.equal(true);
    expect(checkpoints.stats()).to.deep.equal({ checkpoints: 0, checkpointTime: 0, failedCheckpoints: 0 });
  });

  it('is counted with its time, and as failed where a snapshot is in the way', () => {
    const checkpoints = new Checkpoints();
    reader.command('begin');
    reader.run('select * from notes', []);
    writer.run('insert into notes values (1)', []);
    expect(checkpoints.shortenLog(writer, long)).to.equal(false);
    expect(checkpoints.stats()).to.include({ checkpoints: 1, failedCheckpoints: 1 });
    reader.command('commit');
    expect(checkpoints.shortenLog(writer, long)).to.equal(true);
    const { checkpointTime, ...counts } = checkpoints.stats();
    expect(counts).to.deep.equal({ checkpoints: 2, failedCheckpoints: 1 });
    expect(checkpointTime).to.be.greaterThan(0);
  });
});

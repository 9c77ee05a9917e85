import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'chai';
import {
  chmodSync,
  existsSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  ConfigurationError,
  CorruptDatabaseError,
  DatabaseBusyError,
  DatabaseMovedError,
  DatabaseProviderFactory,
} from '../../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { rejectionOf } from '../../../../support/rejection.ts';
import { makeTempDirectory } from '../../../../support/temp-directory.ts';
import { until } from '../../../../support/until.ts';
import { readSample, writeCrashed, writeSample } from './sample-files.ts';

const whole = {
  old: { label: 'old', rows: 400, check: 'ok' },
  new: { label: 'new', rows: 600, check: 'ok' },
};

function writeBackup(): string {
  const path = join(makeTempDirectory('backup'), 'new.db');
  writeSample(path, 'new', 600);
  return path;
}

function restore(
  database: string,
  backup: string,
  options = {},
): ReturnType<typeof DatabaseProviderFactory.restoreBackup> {
  return DatabaseProviderFactory.restoreBackup(`sqlite:${database}`, backup, options);
}

/** How often this process has a file open. */
function countHandles(path: string): number {
  const handles = readdirSync('/proc/self/fd').map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      // The handle that lists the folder is gone by now.
      return '';
    }
  });
  return handles.filter((target) => target === path).length;
}

/** The files of a database, with what is in them. */
function photograph(database: string): ReadonlyMap<string, string> {
  const folder = dirname(database);
  return new Map(
    readdirSync(folder)
      .filter((name) => !name.endsWith('-shm'))
      .map((name) => [name, readFileSync(join(folder, name), 'base64')]),
  );
}

describeOnDatabase('sqlite-file', 'a restore', () => {
  it('puts the backup in place, and keeps the old database with what was in its log', async () => {
    const database = writeCrashed('old', 400);
    const { file, kept, bytes } = await restore(database, writeBackup());
    expect(file).to.equal(database);
    expect(readSample(database)).to.deep.equal(whole.new);
    expect(bytes).to.equal(statSync(database).size);
    expect(readSample(kept!)).to.deep.equal(whole.old);
    expect(readdirSync(dirname(database))).to.have.lengthOf(2);
  });

  it('throws the old database away where it is told to', async () => {
    const database = writeCrashed('old', 400);
    const { kept } = await restore(database, writeBackup(), { discardOld: true });
    expect(kept).to.equal(undefined);
    expect(readdirSync(dirname(database))).to.deep.equal(['app.db']);
    expect(readSample(database)).to.deep.equal(whole.new);
  });

  it('makes the database where there is none, and takes no log that lies about', async () => {
    const database = writeCrashed('old', 400);
    const place = join(makeTempDirectory('restore'), 'below', 'app.db');
    const { kept } = await restore(place, writeBackup());
    expect(kept).to.equal(undefined);
    expect(statSync(place).mode & 0o777).to.equal(0o600);
    const log = readFileSync(`${database}-wal`);
    const beside = join(makeTempDirectory('restore'), 'app.db');
    writeFileSync(`${beside}-wal`, log);
    await restore(beside, writeBackup());
    expect(readSample(beside)).to.deep.equal(whole.new);
  });

  it('keeps who may read the database', async () => {
    const database = writeCrashed('old', 400);
    chmodSync(database, 0o640);
    await restore(database, writeBackup());
    expect(statSync(database).mode & 0o777).to.equal(0o640);
  });

  it('follows a link to the database', async () => {
    const database = writeCrashed('old', 400);
    const name = join(makeTempDirectory('restore'), 'link.db');
    symlinkSync(database, name);
    const { file } = await restore(name, writeBackup());
    expect(file).to.equal(database);
    expect(readSample(database)).to.deep.equal(whole.new);
  });

  it('takes the log of the backup with it, where it has one', async () => {
    const database = join(makeTempDirectory('restore'), 'app.db');
    await restore(database, writeCrashed('old', 400));
    expect(readSample(database)).to.deep.equal(whole.old);
  });

  it('replaces a database that SQLite cannot read, and keeps it with its log', async () => {
    const database = writeCrashed('old', 400);
    writeFileSync(database, 'no database at all, whatever its name says '.repeat(100));
    const { kept } = await restore(database, writeBackup());
    expect(readSample(database)).to.deep.equal(whole.new);
    expect(readFileSync(kept!, 'utf8')).to.include('no database at all');
    expect(existsSync(`${kept!}-wal`)).to.equal(true);
  });

  it('is refused while somebody has the database open, and changes nothing', async () => {
    const database = writeCrashed('old', 400);
    const backup = writeBackup();
    {
      await using provider = DatabaseProviderFactory.createProvider(`sqlite:${database}`);
      await provider.query('select count(*) from parts');
      expect(await rejectionOf(restore(database, backup))).to.be.instanceOf(DatabaseBusyError);
      await provider.exec("update parts set label = 'old'");
    }
    expect(readSample(database)).to.deep.equal(whole.old);
    expect(readdirSync(dirname(database))).to.deep.equal(['app.db']);
  });

  it('is refused where the backup is none, and changes nothing', async () => {
    const database = writeCrashed('old', 400);
    const before = photograph(database);
    const folder = makeTempDirectory('backup');
    const empty = join(folder, 'empty.db');
    writeFileSync(empty, '');
    const text = join(folder, 'text.db');
    writeFileSync(text, 'not a database '.repeat(1_000));
    const damaged = join(folder, 'damaged.db');
    writeSample(damaged, 'new', 600);
    const handle = openSync(damaged, 'r+');
    writeSync(handle, Buffer.alloc(4_096, 7), 0, 4_096, 4_096 * 10);
    closeSync(handle);
    for (const file of [empty, text, damaged]) {
      expect(await rejectionOf(restore(database, file)), file).to.be.instanceOf(CorruptDatabaseError);
    }
    for (const file of [join(folder, 'missing.db'), database]) {
      expect(await rejectionOf(restore(database, file)), file).to.be.instanceOf(ConfigurationError);
    }
    const inMemory = DatabaseProviderFactory.restoreBackup('sqlite::memory:', writeBackup());
    expect(await rejectionOf(inMemory)).to.be.instanceOf(ConfigurationError);
    expect(photograph(database)).to.deep.equal(before);
  });

  it('that is broken off changes nothing', async () => {
    const database = writeCrashed('old', 400);
    const before = photograph(database);
    const reason = new Error('enough');
    const abort = new AbortController();
    const options = { signal: abort.signal, onProgress: () => abort.abort(reason) };
    expect(await rejectionOf(restore(database, writeBackup(), options))).to.equal(reason);
    expect(photograph(database)).to.deep.equal(before);
  });

  it('finds no one who waits for the old file and then goes on in it', async () => {
    const database = writeCrashed('old', 400);
    const holder = new BetterSqlite3(database);
    holder.pragma('locking_mode = exclusive');
    holder.pragma('journal_mode = delete');
    holder.exec('begin exclusive');
    await using provider = DatabaseProviderFactory.createProvider(`sqlite:${database}`);
    const asked = rejectionOf(provider.exec("update parts set label = 'lost'"));
    await until(() => countHandles(database) === 2);
    renameSync(writeBackup(), database);
    holder.close();
    expect(await asked).to.be.instanceOf(DatabaseMovedError);
    expect(await provider.query('select distinct label from parts')).to.deep.equal([{ label: 'new' }]);
  });
});

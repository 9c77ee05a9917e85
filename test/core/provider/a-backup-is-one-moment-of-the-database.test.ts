import { expect } from 'chai';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  ConfigurationError,
  DatabaseProviderFactory,
  PoolClosedError,
  type BackupProgress,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { describeOnDatabase, type TestDatabase } from '../../support/database.ts';
import { watchEventLoop } from '../../support/event-loop.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';

interface Tables {
  accounts: { id: number; balance: number };
  filling: { id: number; text: string };
}

const accounts = 10;
const total = 1_000;

async function openAccounts(database: TestDatabase, rows = 2_000): Promise<DatabaseProvider<Tables>> {
  const provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
  await provider.exec('create table accounts (id integer primary key, balance integer not null)');
  await provider.exec('create table filling (id integer primary key, text text not null)');
  for (let id = 0; id < accounts; id += 1) {
    await provider.db
      .insertInto('accounts')
      .values({ id, balance: total / accounts })
      .execute();
  }
  await provider.exec(
    'with recursive n (i) as (select 1 union all select i + 1 from n where i < ?) insert into filling select i, hex(randomblob(500)) from n',
    [rows],
  );
  return provider;
}

async function readBackup(file: string): Promise<{ sum: number; moves: number; check: string }> {
  await using copy = DatabaseProviderFactory.createProvider(`sqlite:${file}`);
  const [sum] = await copy.query<{ n: number }>('select sum(balance) as n from accounts');
  const [moves] = await copy.query<{ n: number }>("select count(*) as n from filling where text = 'move'");
  const [check] = await copy.query<{ integrity_check: string }>('pragma integrity_check');
  return { sum: sum!.n, moves: moves!.n, check: check!.integrity_check };
}

/** Moves money until it is told to stop. @returns how many moves were acknowledged so far */
function moveMoney(provider: DatabaseProvider<Tables>): { done(): number; stop(): Promise<void> } {
  let done = 0;
  let isOn = true;
  const work = (async () => {
    while (isOn) {
      const [from, to] = [done % accounts, (done + 1) % accounts];
      await provider.transaction(async (tx) => {
        const move = (id: number, by: number) =>
          tx
            .updateTable('accounts')
            .set(({ eb }) => ({ balance: eb('balance', '+', by) }))
            .where('id', '=', id)
            .execute();
        await move(from, -1);
        await move(to, 1);
        await tx
          .insertInto('filling')
          .values({ id: 1_000_000 + done, text: 'move' })
          .execute();
      });
      done += 1;
    }
  })();
  return {
    done: () => done,
    async stop() {
      isOn = false;
      await work;
    },
  };
}

for (const name of ['sqlite-file', 'sqlite-memory'] as const) {
  describeOnDatabase(name, 'a backup is one moment of the database', (database) => {
    it('while others write: whole transactions, and each that was acknowledged before', async function () {
      this.timeout(30_000);
      await using provider = await openAccounts(database);
      const folder = makeTempDirectory('backup');
      const moves = moveMoney(provider);
      try {
        for (const number of [1, 2, 3]) {
          const before = moves.done();
          const file = join(folder, `${number}.db`);
          const report = await provider.backup(file);
          const after = moves.done();
          expect(report.file).to.equal(file);
          expect(report.bytes).to.equal(statSync(file).size);
          expect(report.pages).to.be.greaterThan(0);
          const copy = await readBackup(file);
          expect(copy.check).to.equal('ok');
          expect(copy.sum).to.equal(total);
          expect(copy.moves).to.be.within(before, after + 1);
        }
      } finally {
        await moves.stop();
      }
      expect(moves.done()).to.be.greaterThan(0);
    });

    it('is one file, for its owner alone, and leaves nothing beside it', async () => {
      await using provider = await openAccounts(database);
      const folder = makeTempDirectory('backup');
      const { file } = await provider.backup(join(folder, 'a.db'));
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      expect(readdirSync(folder)).to.deep.equal(['a.db']);
    });

    it('tells how far it is, up to the check', async () => {
      await using provider = await openAccounts(database);
      const heard: BackupProgress[] = [];
      const { file, pages } = await provider.backup(join(makeTempDirectory('backup'), 'a.db'), {
        onProgress: (progress) => heard.push(progress),
      });
      expect(file).to.satisfy(existsSync);
      expect(heard.at(-1)).to.deep.equal({ stage: 'check', done: pages, total: pages });
      const copied = heard.filter(({ stage }) => stage === 'copy').map(({ done }) => done);
      expect(copied).to.deep.equal(copied.toSorted((a, b) => a - b));
    });

    it('may be made from within a transaction of a database in a file, and holds nothing of it', async function () {
      if (name === 'sqlite-memory') this.skip();
      await using provider = await openAccounts(database);
      const file = join(makeTempDirectory('backup'), 'a.db');
      await provider.transaction(async (tx) => {
        await tx.updateTable('accounts').set({ balance: 0 }).execute();
        await provider.backup(file);
      });
      expect((await readBackup(file)).sum).to.equal(total);
    });

    it('takes no name that is taken, unless it is told to', async () => {
      await using provider = await openAccounts(database);
      const file = join(makeTempDirectory('backup'), 'a.db');
      await provider.backup(file);
      await provider.db.updateTable('accounts').set({ balance: 1 }).execute();
      const error = await rejectionOf(provider.backup(file));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect((error as Error).message).to.include('already');
      expect((await readBackup(file)).sum).to.equal(total);
      await provider.exec('delete from filling');
      const other = join(makeTempDirectory('backup'), 'b.db');
      await provider.backup(other);
      await provider.backup(other, { overwrite: true });
      expect((await readBackup(other)).sum).to.equal(accounts);
    });

    it('that is broken off leaves nothing behind', async () => {
      await using provider = await openAccounts(database);
      const folder = makeTempDirectory('backup');
      const reason = new Error('enough');
      const abort = new AbortController();
      const options = { signal: abort.signal, onProgress: () => abort.abort(reason) };
      expect(await rejectionOf(provider.backup(join(folder, 'a.db'), options))).to.equal(reason);
      const failing = () => {
        throw reason;
      };
      expect(await rejectionOf(provider.backup(join(folder, 'b.db'), { onProgress: failing }))).to.equal(
        reason,
      );
      expect(readdirSync(folder)).to.deep.equal([]);
    });

    it('is refused where it cannot be written, or would be written over a database in use', async () => {
      await using provider = await openAccounts(database);
      const folder = makeTempDirectory('backup');
      const used = join(folder, 'used.db');
      await using other = DatabaseProviderFactory.createProvider(`sqlite:${used}`);
      await other.exec('create table t (id integer)');
      for (const file of [
        join(folder, 'missing', 'a.db'),
        used,
        '',
        ':memory:',
        'sqlite://a.db',
        'a\0b',
        join(used, 'below-a-file.db'),
      ]) {
        const error = await rejectionOf(provider.backup(file, { overwrite: true }));
        expect(error, file).to.be.instanceOf(ConfigurationError);
      }
      expect(readdirSync(folder).filter((entry) => !entry.startsWith('used.db'))).to.deep.equal([]);
    });

    it('is waited for by close, up to its deadline', async () => {
      const patient = await openAccounts(database);
      const folder = makeTempDirectory('backup');
      const made = patient.backup(join(folder, 'a.db'));
      await patient.close();
      expect((await made).pages).to.be.greaterThan(0);
      expect(await rejectionOf(patient.backup(join(folder, 'b.db')))).to.be.instanceOf(PoolClosedError);
      const hasty = await openAccounts(database);
      const cut = rejectionOf(hasty.backup(join(folder, 'c.db')));
      await hasty.close({ deadline: 0 });
      expect(await cut).to.be.instanceOf(PoolClosedError);
      expect(readdirSync(folder)).to.deep.equal(['a.db']);
    });
  });
}

describeOnDatabase('sqlite-file', 'a backup of a large file', (database) => {
  it('leaves the event loop its turns', async function () {
    this.timeout(60_000);
    await using provider = await openAccounts(database, 60_000);
    const file = join(makeTempDirectory('backup'), 'a.db');
    const loop = watchEventLoop();
    const { duration, bytes } = await provider.backup(file);
    const longestGap = loop.stop();
    console.log(
      `  ${(bytes / 1e6).toFixed(0)} MB in ${duration.toFixed(0)} ms; longest event-loop gap ${longestGap.toFixed(0)} ms`,
    );
    // The copy, the check and the flush on this thread would hold it for most of the time.
    expect(longestGap).to.be.lessThan(duration / 3);
  });

  it('cannot be made where there is no file', async () => {
    await using provider = DatabaseProviderFactory.createProvider(await database.freshUrl());
    const error = await rejectionOf(provider.backup(join(makeTempDirectory('backup'), 'a.db')));
    expect(error).to.be.instanceOf(ConfigurationError);
    expect((error as Error).message).to.include('no such file');
  });
});

describeOnDatabase('postgres', 'a backup of Postgres', (database) => {
  it('is left to pg_dump, and the error has the command without the password', async () => {
    const url = new URL(await database.freshUrl());
    url.password = 'hunter2';
    await using provider = DatabaseProviderFactory.createProvider(url.href);
    const error = await rejectionOf(provider.backup("it's.dump"));
    expect(error).to.be.instanceOf(ConfigurationError);
    const place = `--host=${url.hostname} --port=${url.port || '5432'} --username=${url.username} --dbname=${url.pathname.slice(1)}`;
    expect((error as Error).message)
      .to.include(`pg_dump --format=custom --file='it'\\''s.dump' ${place}`)
      .and.not.include('hunter2');
    const restore = await rejectionOf(DatabaseProviderFactory.restoreBackup(url.href, 'a.dump'));
    expect(restore).to.be.instanceOf(ConfigurationError);
    expect((restore as Error).message)
      .to.include(`pg_restore --clean --if-exists --single-transaction ${place} a.dump`)
      .and.not.include('hunter2');
  });
});

import { expect } from 'chai';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { backUpFirst } from '../../src/cli/backup-command.ts';
import { Output } from '../../src/cli/output.ts';
import { DatabaseProviderFactory, parseDatabaseConfig } from '../../src/core/index.ts';
import { describeOnDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runBin, type BinRun } from './run-bin.ts';

async function addNote(url: string, text: string): Promise<void> {
  await using provider = DatabaseProviderFactory.createProvider(url);
  await provider.exec('create table if not exists notes (text text)');
  await provider.exec('insert into notes values (?)', [text]);
}

async function readNotes(file: string): Promise<string[]> {
  await using provider = DatabaseProviderFactory.createProvider(`sqlite:${file}`);
  return (await provider.query<{ text: string }>('select text from notes')).map(({ text }) => text);
}

describe('a database is saved and restored from the command line', () => {
  let cwd: string;

  beforeEach(async () => {
    cwd = makeTempDirectory('cli');
    await addNote(`sqlite:${join(cwd, 'app.db')}`, 'first');
  });

  const run = (...args: readonly string[]): Promise<BinRun> =>
    runBin([...args, '--database', 'sqlite:./app.db'], { cwd });

  it('to a file and back, and the old one is kept', async () => {
    const saved = await run('backup', 'saved.db');
    expect(saved.code, saved.stderr).to.equal(0);
    expect(saved.stdout).to.include(join(cwd, 'saved.db'));
    expect(saved.stderr).to.match(/pages, copied/);
    await addNote(`sqlite:${join(cwd, 'app.db')}`, 'second');
    const restored = await run('restore', 'saved.db', '--yes', '--json');
    expect(restored.code, restored.stderr).to.equal(0);
    const { kept, file } = JSON.parse(restored.stdout) as { kept: string; file: string };
    expect(file).to.equal(join(cwd, 'app.db'));
    expect(await readNotes(file)).to.deep.equal(['first']);
    expect(await readNotes(kept)).to.deep.equal(['first', 'second']);
  });

  it('under a name with the time, where none is given', async () => {
    const { stdout } = await run('backup', '--json');
    const { file } = JSON.parse(stdout) as { file: string };
    expect(basename(file)).to.match(/^app\.db\.backup-\d{8}T\d{6}Z-[0-9a-f]{4}$/);
    expect(await readNotes(file)).to.deep.equal(['first']);
  });

  it('only where somebody says that the database may be replaced', async () => {
    await run('backup', 'saved.db');
    await addNote(`sqlite:${join(cwd, 'app.db')}`, 'second');
    const before = readdirSync(cwd);
    const { code, stdout, stderr } = await run('restore', 'saved.db');
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr).to.include('--yes');
    expect(readdirSync(cwd)).to.deep.equal(before);
    expect(await readNotes(join(cwd, 'app.db'))).to.deep.equal(['first', 'second']);
  });

  it('without a question where there is no database to lose', async () => {
    await run('backup', 'saved.db');
    const { code } = await runBin(['restore', 'saved.db', '--database', 'sqlite:./new.db'], { cwd });
    expect(code).to.equal(0);
    expect(await readNotes(join(cwd, 'new.db'))).to.deep.equal(['first']);
  });

  it('and a verb that fails leaves nothing behind', async function () {
    this.timeout(60_000);
    writeFileSync(join(cwd, 'text.db'), 'not a database '.repeat(1_000));
    const before = readdirSync(cwd).toSorted();
    for (const args of [
      ['backup', 'app.db'],
      ['backup', 'text.db'],
      ['backup', join('missing', 'saved.db')],
      ['restore', 'text.db', '--yes'],
      ['restore', 'missing.db', '--yes'],
      ['restore', 'app.db', '--yes'],
    ]) {
      const { code, stdout, stderr } = await run(...args);
      expect({ code, stdout }, args.join(' ')).to.deep.equal({ code: 1, stdout: '' });
      expect(stderr).to.match(/error: [^\n]+\n$/);
      expect(readdirSync(cwd).toSorted(), args.join(' ')).to.deep.equal(before);
    }
    const missing = await runBin(['backup', '--database', 'sqlite:./nowhere/app.db'], { cwd });
    expect(missing.code).to.equal(1);
    expect(existsSync(join(cwd, 'nowhere'))).to.equal(false);
  });

  it('and before a migration beside the database, where there is one', async () => {
    const written: string[] = [];
    const stream = { write: (text: string) => written.push(text) };
    const output = new Output({ json: false, debug: false, args: [], stdout: stream, stderr: stream });
    const cli = { output, cwd, env: {}, exitCode: 0 };
    const save = async (file: string) => {
      const database = parseDatabaseConfig(`sqlite:${file}`);
      await using provider = DatabaseProviderFactory.createProvider(database);
      return await backUpFirst(cli, provider, database);
    };
    const report = await save(join(cwd, 'app.db'));
    expect(await readNotes(report!.file)).to.deep.equal(['first']);
    expect(written.at(-1)).to.equal(`Backup: ${report!.file}\n`);
    expect(await save(join(cwd, 'none.db'))).to.equal(undefined);
    expect(await save(':memory:')).to.equal(undefined);
    expect(existsSync(join(cwd, 'none.db'))).to.equal(false);
  });
});

describeOnDatabase('postgres', 'a backup from the command line', (database) => {
  it('is left to pg_dump, and no password is told', async function () {
    this.timeout(60_000);
    const url = new URL(await database.freshUrl());
    url.password = 'hunter2';
    for (const args of [['backup'], ['backup', 'a.dump'], ['restore', 'a.dump', '--yes']]) {
      const { code, stdout, stderr } = await runBin([...args, '--database', url.href]);
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
      expect(stderr)
        .to.match(/pg_(dump|restore) --/)
        .and.not.include('hunter2');
    }
  });
});

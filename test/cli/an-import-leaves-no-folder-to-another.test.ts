import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openChatStore } from '../../src/chat/index.ts';
import { stateFolderOf } from '../../src/cli/legacy-state-folder.ts';
import { parseDatabaseConfig } from '../../src/core/index.ts';
import { generateKey } from '../../src/core/security/index.ts';
import { compileCache } from '../support/compile-cache.ts';
import { describeOnDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { until } from '../support/until.ts';
import { legacyKey, makeLegacyDatabase, unpackLegacyDatabase } from '../chat/legacy/legacy-files.ts';
import { bundleBin, runHere } from './run-bin.ts';

const verb = 'import-legacy';

describe('an import from the command line leaves no folder', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`of a dry run that is stopped by ${signal}`, async () => {
      const cwd = makeTempDirectory('cli');
      const keyFile = join(makeTempDirectory('key'), 'legacy.key');
      writeFileSync(keyFile, legacyKey.toString('base64'), { mode: 0o600 });
      const database = ['--database', 'sqlite:app.db', '--legacy-key-file', keyFile];
      const args = [bundleBin(), verb, '--from', unpackLegacyDatabase(), ...database, '--dry-run'];
      const child = spawn(process.execPath, args, {
        cwd,
        env: { PATH: process.env['PATH'], ...compileCache() },
        stdio: 'ignore',
      });
      const exited = once(child, 'exit');
      // It is in the midst of its work: its scratch database is there.
      await until(() => {
        const [folder] = readdirSync(cwd);
        return folder !== undefined && readdirSync(join(cwd, folder)).includes('scratch.db');
      });
      child.kill(signal);
      expect(await exited).to.deep.equal([null, signal]);
      expect(readdirSync(cwd)).to.deep.equal([]);
    });
  }

  it('that was not there before a dry run, and listens to no signal behind it', async () => {
    const cwd = makeTempDirectory('cli');
    const before = process.listenerCount('SIGINT');
    const target = `sqlite:${join(cwd, 'new', 'newer', 'app.db')}`;
    const run = await runHere([verb, '--from', makeLegacyDatabase({}), '--database', target, '--dry-run'], {
      cwd,
    });
    expect(run.code, run.stderr).to.equal(0);
    expect(readdirSync(cwd)).to.deep.equal([]);
    expect(process.listenerCount('SIGINT')).to.equal(before);
  });

  it('to another database of the same name', () => {
    const urls = [
      'postgres://ada:one@localhost:5432/chat',
      'postgres://ada:one@localhost:5433/chat',
      'postgres://ada:one@db.example.org:5432/chat',
      'postgres://ada:one@localhost:5432/chat2',
      'postgres://ada:one@localhost:5432/..%2Fchat',
    ];
    const folders = urls.map((url) => stateFolderOf(parseDatabaseConfig(url), '/work'));
    expect(new Set(folders).size).to.equal(urls.length);
    for (const folder of folders) expect(folder).to.match(/^\/work\/legacy-import-[\w-]+$/);
    // Whoever logs in, it is the same database.
    const other = parseDatabaseConfig('postgres://grace:two@localhost:5432/chat');
    expect(stateFolderOf(other, '/work')).to.equal(folders[0]);
    expect(stateFolderOf(parseDatabaseConfig('sqlite:/data/app.db'), '/work')).to.equal(
      '/data/app.db.legacy-import',
    );
  });
});

describeOnDatabase('postgres', 'an import from the command line', (database) => {
  it('keeps the snapshots of one Postgres database while another one is imported into', async () => {
    const cwd = makeTempDirectory('cli');
    const env = { LIMINAL_ENCRYPTION_KEY: generateKey().key.reveal() };
    const source = makeLegacyDatabase({ threads: [{ id: 'one' }] });
    const args = async (): Promise<string[]> => [
      verb,
      '--from',
      source,
      '--database',
      await database.freshUrl(),
    ];
    const first = await args();
    expect((await runHere(first, { cwd, env })).code).to.equal(0);
    await using store = await openChatStore({ database: first.at(-1)! });
    await store.provider.db.deleteFrom('context_threads').execute();
    // Not proved, so that the snapshots stay.
    expect((await runHere(first, { cwd, env })).code).to.equal(1);
    const kept = readdirSync(cwd);
    expect(kept).to.have.length(1);
    expect((await runHere(await args(), { cwd, env })).code).to.equal(0);
    expect(readdirSync(cwd)).to.deep.equal(kept);
    expect(readdirSync(join(cwd, kept[0]!))).to.include('legacy-1.db');
  });
});

import { expect } from 'chai';
import { chmodSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openChatStore } from '../../src/chat/index.ts';
import { KeyRing, generateKey } from '../../src/core/security/index.ts';
import { describeOnDatabase } from '../support/database.ts';
import { plantText } from '../support/secrets/planted-secrets.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import {
  changeLegacyDatabase,
  legacyKey,
  lookAtFolder,
  makeLegacyDatabase,
  unpackLegacyDatabase,
} from '../chat/legacy/legacy-files.ts';
import { runBin, runHere } from './run-bin.ts';

const verb = 'import-legacy';
const env = { LIMINAL_ENCRYPTION_KEY: generateKey().key.reveal() };

/** What must come out of nothing: the canary of the run listens for it. */
function makeKeyFile(key: Uint8Array = legacyKey): string {
  const text = Buffer.from(key).toString('base64');
  plantText(text);
  const file = join(makeTempDirectory('key'), 'legacy.key');
  writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
}

function makeBrokenDatabase(): string {
  const file = unpackLegacyDatabase(20);
  changeLegacyDatabase(file, (database) => {
    database.exec(`
      update context_threads set messages = '[' where rowid = 3;
      update context_threads set id = 'old-4', messages = '[]' where rowid = 4;
      update users set api_keys = replace(api_keys, '{"openai":{"key":"', '{"openai":{"key":"AAAA') where rowid = 1`);
  });
  return file;
}

describe('a legacy database is imported from the command line', () => {
  it('with 0 where all is clean, in lines that prove it, from two files', async () => {
    const cwd = makeTempDirectory('cli');
    const [users, threads] = [unpackLegacyDatabase(20), unpackLegacyDatabase(20)];
    changeLegacyDatabase(users, (database) => database.exec('drop table context_threads'));
    changeLegacyDatabase(threads, (database) => database.exec('drop table users'));
    const args = [
      verb,
      '--from',
      users,
      '--from',
      threads,
      '--database',
      'sqlite:app.db',
      '--legacy-key-file',
      makeKeyFile(),
    ];
    const first = await runBin(args, { cwd, env });
    expect(first.code, first.stderr).to.equal(0);
    expect(first.stdout)
      .to.match(/^context_threads +20 in the legacy databases, 0 left out, 20 here$/m)
      .and.to.match(/^users +25 in the legacy databases, 0 left out, 25 here$/m)
      .and.to.match(/^api_keys +18 in the legacy databases, 0 left out, 18 here$/m)
      .and.to.include('In quarantine: 0')
      .and.to.include('Proved: both sides are the same.');
    const hashes = [...first.stdout.matchAll(/^The content of all threads \w+ is +([0-9a-f]{64})$/gm)];
    expect(new Set(hashes.map(([, hash]) => hash)).size).to.equal(1);
    expect(hashes).to.have.length(2);
    expect(readdirSync(cwd)).to.deep.equal(['app.db']);

    const again = await runBin([...args, '--json'], { cwd, env });
    expect(again.code, again.stderr).to.equal(0);
    expect(JSON.parse(again.stdout)).to.deep.include({ isResumed: true, messages: 0, dryRun: false });
    const verified = await runBin(['migrate', 'verify', '--database', 'sqlite:app.db'], { cwd });
    expect(verified.code, verified.stdout).to.equal(0);
  });

  it('with 4 and a report where something is in quarantine', async () => {
    const cwd = makeTempDirectory('cli');
    const source = makeBrokenDatabase();
    const before = lookAtFolder(source);
    const args = [verb, '--from', source, '--database', `sqlite:${join(cwd, 'app.db')}`];
    const run = await runHere([...args, '--legacy-key-file', makeKeyFile(), '--report', 'report.jsonl'], {
      cwd,
      env,
    });
    expect(run.code, run.stderr).to.equal(4);
    expect(run.stdout).to.include('In quarantine: 2 (0 came in mended, 2 did not come in)');
    expect(lookAtFolder(source)).to.deep.equal(before);
    const report = join(cwd, 'report.jsonl');
    expect(statSync(report).mode & 0o777).to.equal(0o600);
    const lines = readFileSync(report, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const short = lines.map(({ type, table, reason, raw, id }) => ({
      type,
      table,
      reason,
      raw,
      ...(type === 'id' && { id }),
    }));
    expect(short).to.have.deep.members([
      { type: 'quarantine', table: 'context_threads', reason: 'json-is-unreadable', raw: '[' },
      { type: 'quarantine', table: 'users', reason: 'key-does-not-open', raw: null },
      { type: 'id', table: 'context_threads', reason: undefined, raw: undefined, id: 'old-4' },
    ]);
    // Where a report is already, nothing is done before it is said.
    const taken = await runHere([...args, '--report', 'report.jsonl', '--without-keys'], { cwd, env });
    expect(taken.code).to.equal(2);
  });

  it('with --dry-run as it would be, and nothing is written', async () => {
    const cwd = makeTempDirectory('cli');
    const args = [
      verb,
      '--from',
      makeBrokenDatabase(),
      '--database',
      `sqlite:${join(cwd, 'app.db')}`,
      '--dry-run',
    ];
    const run = await runHere([...args, '--legacy-key-file', makeKeyFile(), '--report', 'report.jsonl'], {
      cwd,
    });
    expect(run.code, run.stderr).to.equal(4);
    expect(run.stdout)
      .to.match(/^Tried out \d+ messages/)
      .and.to.include('Nothing was written to sqlite');
    expect(readdirSync(cwd)).to.deep.equal(['report.jsonl']);
  });

  it('with 1 where the proof finds a difference, and keeps the snapshots for a look', async () => {
    const cwd = makeTempDirectory('cli');
    const url = `sqlite:${join(cwd, 'app.db')}`;
    const args = [
      verb,
      '--from',
      unpackLegacyDatabase(20),
      '--database',
      url,
      '--legacy-key-file',
      makeKeyFile(),
    ];
    expect((await runHere(args, { cwd, env })).code).to.equal(0);
    await using store = await openChatStore({ database: url });
    await store.provider.db.deleteFrom('messages').where('seq', '=', 2).execute();
    const run = await runHere(args, { cwd, env });
    expect(run.code, run.stderr).to.equal(1);
    expect(run.stdout).to.match(/^NOT PROVED: 40 differences\.$/m);
    expect(existsSync(join(cwd, 'app.db.legacy-import'))).to.equal(true);
  });

  it('with 1 and nothing imported where a key is missing or another one, or the target holds other rows', async () => {
    const cwd = makeTempDirectory('cli');
    const url = `sqlite:${join(cwd, 'app.db')}`;
    const args = [verb, '--from', unpackLegacyDatabase(5), '--database', url];
    const open = makeKeyFile();
    chmodSync(open, 0o644);
    const short = makeKeyFile(Buffer.from('0123456789abcdef'));
    const other = makeKeyFile(Buffer.from('fedcba9876543210fedcba9876543210'));
    for (const [more, settings, message] of [
      [[], env, /no legacy key to open them/],
      [['--legacy-key-file', other], env, /opens none of 18 API keys/],
      [['--legacy-key-file', short], env, /base64 of 32 bytes/],
      [['--legacy-key-file', open], env, /open to others/],
      [['--legacy-key-file', makeKeyFile()], {}, /LIMINAL_ENCRYPTION_KEY/],
      [
        ['--legacy-key-file', makeKeyFile()],
        { LIMINAL_ENCRYPTION_KEY: legacyKey.toString('base64') },
        /LIMINAL_ENCRYPTION_KEY/,
      ],
    ] as const) {
      for (const json of [[], ['--json']]) {
        const run = await runHere([...args, ...more, ...json], { cwd, env: settings });
        expect(run.code, run.stderr).to.equal(1);
        expect(run.stderr).to.match(message);
        // As text and as base64, which the canary of the run listens for as well.
        const said = run.stdout + run.stderr;
        for (const key of ['0123456789abcdef', 'fedcba9876543210']) expect(said).not.to.include(key);
        expect(said).not.to.include(legacyKey.toString('base64'));
      }
      expect(readdirSync(cwd).filter((name) => name.includes('legacy'))).to.deep.equal([]);
    }
    await using store = await openChatStore({ database: url });
    expect(await store.users.count({})).to.equal(0);
    const thread = await store.conversations.startThread({ title: 'Mine' });
    const full = [...args, '--legacy-key-file', makeKeyFile()];
    const refused = await runHere(full, { cwd, env });
    expect(refused).to.have.property('stderr').that.includes('--into-existing');
    const into = await runHere([...full, '--into-existing'], { cwd, env });
    expect(into.code, into.stderr).to.equal(0);
    expect(await store.threads.count({})).to.equal(6);
    expect(await store.threads.findById(thread.id)).to.deep.equal(thread);
  });

  it('with 2 for wrong use', async () => {
    const cwd = makeTempDirectory('cli');
    const source = makeLegacyDatabase({});
    const database = ['--database', `sqlite:${join(cwd, 'app.db')}`];
    for (const args of [
      database,
      [...database, '--from', source, '--from', source],
      ['--database', `sqlite:${source}`, '--from', source],
      [...database, '--from', source, '--without-keys', '--legacy-key-file', 'x'],
    ]) {
      expect((await runHere([verb, ...args], { cwd })).code, args.join(' ')).to.equal(2);
    }
    const notLegacy = await runHere([verb, ...database, '--from', join(cwd, 'nowhere.db')], { cwd });
    expect(notLegacy.code).to.equal(1);
    expect(readdirSync(cwd)).to.deep.equal([]);
  });
});

describeOnDatabase('postgres', 'a legacy database is imported from the command line', (database) => {
  it('into Postgres, and is recorded where there is an audit trail', async () => {
    const cwd = makeTempDirectory('cli');
    const url = await database.freshUrl();
    await using store = await openChatStore({ database: url, audit: { keys: KeyRing.fromEnv(env) } });
    const args = [
      verb,
      '--from',
      unpackLegacyDatabase(20),
      '--database',
      url,
      '--legacy-key-file',
      makeKeyFile(),
    ];
    const run = await runHere(args, { cwd, env });
    expect(run.code, run.stderr).to.equal(0);
    const { items } = await store.audit.trail();
    expect(items.map(({ action }) => action)).to.have.members(['legacy.import', 'legacy.imported']);
    expect(readdirSync(cwd)).to.deep.equal([]);
  });
});

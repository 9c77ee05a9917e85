import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuditLog, type AuditEntry, type LegalHold } from '../../src/core/audit/index.ts';
import type { AuditTables } from '../../src/core/audit/audit-tables.ts';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../src/core/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import { openAuditDatabase, readRows } from '../core/audit/audit-fixture.ts';
import { describeOnDatabase, type TestDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runBin, runHere, type BinRun } from './run-bin.ts';

const env = {
  LIMINAL_ENCRYPTION_KEY: `k1:${Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 97 + at * at * 31 + 7) % 256)).toString('base64')}`,
};
const year = 365 * 24 * 60 * 60 * 1_000;

interface Document {
  readonly entries?: readonly AuditEntry[];
  readonly versions?: readonly { readonly state: unknown }[];
  readonly holds?: readonly LegalHold[];
  readonly hold?: LegalHold;
  readonly changes?: unknown;
  readonly nextCursor?: string;
  readonly lines?: number;
  readonly purged?: number;
  readonly erased?: number;
  readonly error?: { readonly code?: string; readonly message: string };
}

describeOnDatabase('sqlite-file', 'the audit trail on the command line', describeVerbs);
describeOnDatabase('postgres', 'the audit trail on the command line', describeVerbs);

function describeVerbs(database: TestDatabase): void {
  let provider: DatabaseProvider<AuditTables>;
  let log: AuditLog;
  let url: string;
  let directory: string;

  beforeEach(async () => {
    url = await database.freshUrl();
    directory = makeTempDirectory('audit');
    provider = await openAuditDatabase(url);
    // Two years ago, and some of it again today.
    const clock = { now: () => Date.now() - 2 * year, monotonic: () => 0, schedule: () => () => {} };
    const old = new AuditLog(provider, { keys: KeyRing.fromEnv(env), clock });
    log = new AuditLog(provider, { keys: KeyRing.fromEnv(env) });
    const ann = { type: 'user', id: 'ann' } as const;
    const order = { type: 'order', id: '7' };
    await provider.transaction(async (tx) => {
      await old.record(tx, {
        action: 'create',
        actor: ann,
        entity: order,
        changes: [{ field: 'name', new: 'a' }],
      });
      await old.record(tx, {
        action: 'update',
        actor: ann,
        entity: order,
        changes: [{ field: 'name', old: 'a', new: 'b' }],
        reason: 'asked\u001B[2J',
      });
    });
    await provider.transaction((tx) =>
      log.record(tx, {
        action: 'update',
        actor: null,
        tenant: null,
        entity: order,
        changes: [{ field: 'name', old: 'b', new: 'c' }],
      }),
    );
  });

  afterEach(() => provider.close());

  const run = (...args: string[]): Promise<BinRun> =>
    runHere(['audit', ...args, '--database', url], { cwd: directory, env });
  const succeed = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(...args);
    expect(code, stderr).to.equal(0);
    return stdout;
  };
  const json = async (...args: string[]): Promise<Document> =>
    JSON.parse(await succeed(...args, '--json')) as Document;

  it('is shown by pages, from its end, by entity and by difference, without keys', async function () {
    this.timeout(300_000);
    const bare = (...args: string[]) => runHere(['audit', ...args, '--database', url]);
    const { stdout, code } = await bare('tail');
    expect(code).to.equal(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).to.have.lengthOf(3);
    expect(lines[0]).to.match(
      /^20\S+Z {2}\S{36} {2}entity:order#1 {2}user:ann {2}create {2}order:7 {2}name$/u,
    );
    expect(lines[1]).to.match(/update {2}order:7 {2}name {2}\(asked \[2J\)$/u);
    expect(lines[2]).to.match(/nobody known {2}update/u);

    const page = await json('trail', '--limit', '2', '--entity', 'order:7');
    expect(page.entries?.map(({ seq }) => seq)).to.deep.equal([3, 2]);
    const next = await json('trail', '--limit', '2', '--entity', 'order:7', '--after', page.nextCursor ?? '');
    expect(next.entries?.map(({ seq }) => seq)).to.deep.equal([1]);
    expect(
      (await json('trail', '--actor', 'ann', '--action', 'update', '--action', 'delete')).entries,
    ).to.have.lengthOf(1);
    expect(
      (await json('trail', '--to', new Date(Date.now() - year).toISOString(), '--oldest')).entries?.map(
        ({ seq }) => seq,
      ),
    ).to.deep.equal([1, 2]);
    expect(await succeed('trail', '--text', 'nothing')).to.match(/^No such entry on /u);

    const { versions } = await json('history', 'order', '7');
    expect(versions?.map(({ state }) => state)).to.deep.equal([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
    expect(await succeed('history', 'order', '7')).to.include('    {"name":"b"}');
    // What a line shows is what `diff` takes.
    const [from, , to] = (await succeed('trail', '--oldest')).split('\n').map((line) => line.split('  ')[1]!);
    expect(await succeed('diff', from!, to!.toUpperCase())).to.equal('name  "a" -> "c"\n');
  });

  it('is exported and reported into files that nobody else reads, and to stdout', async function () {
    this.timeout(300_000);
    const out = join(directory, 'audit.csv');
    expect(await json('export', '--format', 'csv', '--out', out)).to.include({ lines: 5 });
    expect(readFileSync(out, 'utf8')).to.match(/^"recorded_at","id",/u);
    expect(statSync(out).mode & 0o777).to.equal(0o600);
    const again = await run('export', '--out', out);
    expect(again).to.include({ code: 2 });
    expect(again.stderr).to.include('already');
    const printed = async (...args: string[]): Promise<string[]> => {
      const { code, stdout, stderr } = await runBin(['audit', ...args, '--database', url], { env });
      expect(code, stderr).to.equal(0);
      return stdout.trimEnd().split('\n');
    };
    const lines = await printed('export', '--entity', 'order');
    expect(lines.map((line) => (JSON.parse(line) as AuditEntry).seq)).to.deep.equal([1, 2, 3]);
    expect(await run('export', '--json')).to.include({ code: 2 });
    const report = await printed('report', 'ann');
    expect(report.map((line) => (JSON.parse(line) as AuditEntry).action)).to.deep.equal([
      'create',
      'update',
      'audit.report',
    ]);
    // Who ran them is in the trail.
    const { entries } = await json('trail', '--action', 'audit.export', '--action', 'audit.report');
    expect(entries?.map(({ actor }) => actor?.type)).to.deep.equal(['system', 'system', 'system']);
    expect(entries?.[0]?.actor?.id).to.match(/^command line/u);
  });

  it('is purged and erased only with --yes, and not while a hold keeps it', async function () {
    this.timeout(300_000);
    expect(await run('purge', '--older-than', '1y')).to.include({ code: 2 });
    expect(await run('purge', '--older-than', 'soon', '--yes')).to.include({ code: 2 });
    expect(await run('erase', 'ann', '--reason', 'request 1')).to.include({ code: 2 });
    expect(await run('hold', '--reason', 'case 1')).to.include({ code: 2 });
    expect((await json('tail')).entries).to.have.lengthOf(3);

    const { hold } = await json('hold', '--entity', 'order:7', '--reason', 'case 1');
    for (const verb of [
      ['purge', '--older-than', '1y'],
      ['erase', 'ann', '--reason', 'request 1'],
    ]) {
      const { code, stderr } = await run(...verb, '--yes');
      expect(code).to.equal(1);
      expect(stderr).to.include(hold!.id);
    }
    expect(await json('purge', '--older-than', '1y', '--keep-held', '--yes')).to.include({ purged: 0 });
    expect(await succeed('holds'))
      .to.include(hold!.id)
      .and.to.include('case 1');
    await succeed('release', hold!.id, '--reason', 'case closed');
    expect((await json('holds')).holds?.[0]?.releasedAt).to.be.a('number');
    const again = await run('release', hold!.id, '--reason', 'again');
    expect(again.code).to.equal(1);
    expect(again.stderr).to.include('audit holds');

    expect(await json('erase', 'ann', '--reason', 'request 1', '--yes')).to.include({ erased: 2 });
    expect(
      (await json('purge', '--older-than', '1y', '--type', 'order', '--reason', 'policy', '--yes')).purged,
    ).to.equal(2);
    expect((await log.verify()).isSound).to.equal(true);
  });

  it('is written by no verb with keys that lack the one of its newest entry', async function () {
    this.timeout(300_000);
    const { hold } = await json('hold', '--entity', 'order:7', '--reason', 'case 1');
    const before = await readRows(provider);
    const stray = { LIMINAL_ENCRYPTION_KEY: `k2:${randomBytes(32).toString('base64')}` };
    const out = join(directory, 'out.jsonl');
    const verbs = [
      ['export', '--out', out],
      ['report', 'ann', '--out', out],
      ['purge', '--older-than', '1y', '--keep-held', '--yes'],
      ['erase', 'eve', '--reason', 'request 1', '--yes'],
      ['hold', '--all', '--reason', 'case 2'],
      ['release', hold!.id, '--reason', 'case closed'],
      ['anchor', '--to', out],
    ];
    for (const verb of verbs) {
      const { code, stderr } = await runHere(['audit', ...verb, '--database', url], { env: stray });
      expect(code, verb[0]).to.equal(1);
      expect(stderr, verb[0]).to.include(
        'The trail was written with the key k1, which is not among the keys given (k2). Take the keys that it was written with.',
      );
    }
    expect(await readRows(provider)).to.deep.equal(before);
    expect((await json('holds')).holds).to.deep.equal([hold]);
    expect(existsSync(out)).to.equal(false);

    // A new key before the old one is how a rotation goes; from then on the trail has both.
    const both = {
      LIMINAL_ENCRYPTION_KEY: `${stray.LIMINAL_ENCRYPTION_KEY},${env.LIMINAL_ENCRYPTION_KEY}`,
    };
    expect(await runHere(['audit', 'export', '--out', out, '--database', url], { env: both })).to.include({
      code: 0,
    });
    const old = await run('hold', '--all', '--reason', 'case 2');
    expect(old.code).to.equal(1);
    expect(old.stderr).to.include('the key k2, which is not among the keys given (k1)');
  });

  it('says which argument is no id, and which folder of an option is not there, before it writes', async function () {
    this.timeout(300_000);
    const before = await readRows(provider);
    const id = before[0]!.id;
    for (const [verb, name] of [
      [['diff', '3', id], "'from'"],
      [['diff', id, 'order:7'], "'to'"],
      [['release', '3', '--reason', 'case closed'], "'id'"],
    ] as const) {
      const { code, stderr } = await run(...verb);
      expect(code, stderr).to.equal(2);
      expect(stderr).to.include(name).and.to.include('UUID');
    }
    const unknown = await run('release', id, '--reason', 'case closed');
    expect(unknown.code).to.equal(1);
    expect(unknown.stderr).to.include('`liminal-data audit holds` lists them');

    const folder = join(directory, 'none');
    for (const [option, ...verb] of [
      ['--out', 'export'],
      ['--out', 'report', 'ann'],
      ['--to', 'anchor'],
    ] as const) {
      const { code, stderr } = await run(...verb, option, join(folder, 'file'));
      expect(code).to.equal(1);
      expect(stderr)
        .to.include(`no folder ${folder}, which ${option} ${join(folder, 'file')} needs`)
        .and.not.to.include('.partial');
    }
    // A file of that name is no folder.
    writeFileSync(folder, '');
    const blocked = await run('export', '--out', join(folder, 'file'));
    expect(blocked.code).to.equal(1);
    expect(blocked.stderr).to.include(`no folder ${folder}`);
    expect(await readRows(provider)).to.deep.equal(before);

    // No file system has names of this length.
    const long = join(directory, 'x'.repeat(300));
    const refused = await run('export', '--out', long);
    expect(refused.code).to.equal(1);
    expect(refused.stderr)
      .to.include(`The file ${long} cannot be written (ENAMETOOLONG)`)
      .and.not.to.include('.partial');
  });

  it('says where keys are missing, and where the trail is not there', async function () {
    this.timeout(300_000);
    const { code, stderr } = await runHere(['audit', 'export', '--database', url]);
    expect(code).to.equal(1);
    expect(stderr).to.include('LIMINAL_ENCRYPTION_KEY');
    expect(stderr).to.include('the key that the trail was written with');
    const other = await database.freshUrl();
    {
      // A file of its own, that has no tables.
      await using empty = DatabaseProviderFactory.createProvider(other);
      await empty.initialize();
    }
    const id = '019c0000-0000-7000-8000-000000000000';
    for (const verb of [
      ['tail'],
      ['trail'],
      ['history', 'order', '7'],
      ['diff', id, id],
      ['export'],
      ['report', 'ann'],
      ['verify'],
      ['anchor'],
      ['purge', '--older-than', '1y', '--yes'],
      ['erase', 'ann', '--reason', 'request 1', '--yes'],
      ['hold', '--all', '--reason', 'case 1'],
      ['release', id, '--reason', 'case 1'],
      ['holds'],
    ]) {
      const absent = await runHere(['audit', ...verb, '--database', other], { env });
      expect(absent.code, verb[0]).to.equal(1);
      expect(absent.stderr, verb[0]).to.include(
        'no audit trail in this database; `liminal-data migrate latest --set audit`',
      );
    }
    const made = await runHere(['migrate', 'latest', '--set', 'audit', '--database', other]);
    expect(made.code, made.stderr).to.equal(0);
    expect(
      await runHere(['audit', 'hold', '--all', '--reason', 'case 1', '--database', other], { env }),
    ).to.include({ code: 0 });
  });
}

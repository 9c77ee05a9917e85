import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AuditLog,
  fileAnchors,
  type AuditAnchor,
  type AuditVerification,
} from '../../src/core/audit/index.ts';
import type { AuditTables } from '../../src/core/audit/audit-tables.ts';
import type { DatabaseProvider } from '../../src/core/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import { auditKeys, openAuditDatabase } from '../core/audit/audit-fixture.ts';
import { describeOnDatabase, type TestDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runHere } from './run-bin.ts';

const env = {
  LIMINAL_ENCRYPTION_KEY: `k1:${Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 97 + at * at * 31 + 7) % 256)).toString('base64')}`,
};

describeOnDatabase('sqlite-file', 'the audit trail is proved from the command line', describeVerbs);
describeOnDatabase('postgres', 'the audit trail is proved from the command line', describeVerbs);

function describeVerbs(database: TestDatabase): void {
  let provider: DatabaseProvider<AuditTables>;
  let url: string;
  let directory: string;

  beforeEach(async () => {
    url = await database.freshUrl();
    directory = makeTempDirectory('audit');
    provider = await openAuditDatabase(url);
    const log = new AuditLog(provider, { keys: KeyRing.fromEnv(env) });
    await provider.transaction(async (tx) => {
      for (const id of ['1', '2', '3']) await log.record(tx, { action: 'a', entity: { type: 'x', id } });
      await log.record(tx, { action: 'a' });
    });
  });
  afterEach(() => provider.close());

  const run = (...args: string[]) => runHere(['audit', ...args, '--database', url], { cwd: directory, env });

  it('anchored, sound against its anchors, and each fault with its place and exit code 3', async function () {
    this.timeout(300_000);
    const printed = await run('anchor');
    const { heads } = JSON.parse(printed.stdout) as AuditAnchor;
    expect(heads.map(({ stream, seq }) => [stream, seq])).to.deep.equal([
      ['audit', 1],
      ['entity:x', 3],
    ]);
    const file = join(directory, 'anchors.jsonl');
    const kept = await run('anchor', '--to', file);
    expect(kept.code, kept.stderr).to.equal(0);
    expect(readFileSync(file, 'utf8').trim().split('\n')).to.have.lengthOf(1);

    const sound = await run('verify', '--anchors', file);
    expect(sound.code, sound.stderr).to.equal(0);
    expect(sound.stdout)
      .to.match(/entity:x {2}sound, 3 rows\n/u)
      .and.match(/sound: 4 rows .* 2 anchored heads/u);

    await provider.migrations.columns.dropAppendOnly(provider.db, 'audit_logs');
    await provider.db
      .updateTable('audit_logs')
      .set({ actor_id: 'eve' })
      .where('entity_id', '=', '2')
      .execute();
    const edited = await run('verify');
    expect(edited.code).to.equal(3);
    expect(edited.stdout)
      .to.match(/entity:x {2}EDITED at 2: /u)
      .and.match(/without anchors/u);

    await provider.db.deleteFrom('audit_logs').where('stream', '=', 'audit').execute();
    const cut = await run('verify', '--anchors', file, '--json');
    expect(cut.code).to.equal(3);
    const { isSound, streams } = JSON.parse(cut.stdout) as AuditVerification;
    expect(isSound).to.equal(false);
    expect(streams.map(({ stream, fault }) => [stream, fault?.kind, fault?.seq])).to.deep.equal([
      ['audit', 'cut', 1],
      ['entity:x', 'edited', 2],
    ]);
  });

  it('and without the keys, or with what is no anchor, nothing is said to be sound', async function () {
    this.timeout(300_000);
    const keyless = await runHere(['audit', 'verify', '--database', url], { cwd: directory });
    expect(keyless.code).to.equal(1);
    const missing = await run('verify', '--anchors', 'none.jsonl');
    expect(missing.code).to.equal(1);
    expect(missing.stderr).to.include('none.jsonl').and.to.include('ENOENT');

    const file = join(directory, 'anchors.jsonl');
    writeFileSync(file, '\n\n');
    const empty = await run('verify', '--anchors', file);
    expect(empty).to.include({ code: 2, stdout: '' });
    expect(empty.stderr).to.include(`no anchor in the file ${file}`);

    expect(await run('anchor', '--to', file)).to.include({ code: 0 });
    const stray = new AuditLog(provider, { keys: auditKeys('k9') });
    await fileAnchors(file)(await stray.anchor());
    const unknown = await run('verify', '--anchors', file);
    expect(unknown).to.include({ code: 1, stdout: '' });
    expect(unknown.stderr).to.equal(
      `error: line 4 of ${file}: is signed by the key k9, which is not among the keys given\n`,
    );
  });

  it('an anchor of an empty trail counts as one', async function () {
    this.timeout(300_000);
    const file = join(directory, 'anchors.jsonl');
    const other = await database.freshUrl();
    await (await openAuditDatabase(other)).close();
    expect(await runHere(['audit', 'anchor', '--to', file, '--database', other], { env })).to.include({
      code: 0,
    });
    const { code, stdout } = await run('verify', '--anchors', file);
    expect(code).to.equal(0);
    expect(stdout).to.include('held against 0 anchored heads');
  });
}

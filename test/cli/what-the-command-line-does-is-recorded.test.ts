import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUser, openChatStore } from '../../src/chat/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import { describeOnDatabase, type TestDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runHere } from './run-bin.ts';

function describeOnLasting(title: string, body: (database: TestDatabase) => void): void {
  describeOnDatabase('sqlite-file', title, body);
  describeOnDatabase('postgres', title, body);
}

describeOnLasting('what the command line does to an audited chat is recorded', (database) => {
  const [first, second] = [randomBytes(32), randomBytes(32)].map((key) => key.toString('base64'));
  const before = `k1:${first}`;
  const between = `k2:${second},k1:${first}`;

  const open = async (url: string, keys: string) => {
    const ring = KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: keys });
    return openChatStore({ database: url, encryption: ring, audit: { keys: ring } });
  };

  it('a rotation with its begin and its end; and a key that the trail is proved with stays', async function () {
    this.timeout(120_000);
    const url = await database.freshUrl();
    const env = { LIMINAL_ENCRYPTION_KEY: between };
    {
      await using store = await open(url, before);
      const user = await store.users.insert(createUser({ email: 'ada@example.org' }, { now: 1 }));
      await store.apiKeys.store(user.id, 'openai', 'sk-1');
    }
    const rotated = await runHere(['keys', 'rotate', '--database', url], { env });
    expect(rotated.code, rotated.stderr).to.equal(0);
    const retired = await runHere(['keys', 'retire', 'k1', '--database', url], { env });
    expect(retired.code).to.equal(1);
    expect(retired.stderr).to.include('k1').and.include('2 entries of the audit trail');

    const status = await runHere(['keys', 'status', '--database', url], { env });
    expect(status.stdout).to.match(/\nAudit trail: k1 2, k2 2\n$/u);
    const document = await runHere(['keys', 'status', '--json', '--database', url], { env });
    expect(JSON.parse(document.stdout)).to.deep.include({ auditTrail: { k1: 2, k2: 2 } });

    await using store = await open(url, between);
    const { items } = await store.audit.trail({ action: ['keys.rotate', 'keys.rotated', 'keys.retire'] });
    expect(items.map(({ action, metadata }) => [action, metadata])).to.deep.equal([
      [
        'keys.rotated',
        {
          activeId: 'k2',
          tables: [
            { table: 'api_keys', rotated: 1, unreadable: 0 },
            { table: 'oauth_identities', rotated: 0, unreadable: 0 },
          ],
        },
      ],
      ['keys.rotate', { activeId: 'k2', tables: ['api_keys', 'oauth_identities'] }],
    ]);
    for (const { actor } of items) expect(actor?.id).to.match(/^command line/u);
    expect((await store.audit.verify()).isSound).to.equal(true);
  });

  it('a rotation, which is refused without the key of the trail, and has changed nothing', async function () {
    this.timeout(120_000);
    const url = await database.freshUrl();
    const other = { LIMINAL_ENCRYPTION_KEY: `k2:${second}` };
    {
      const audit = { keys: KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: before }) };
      const encryption = KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: between });
      await using store = await openChatStore({ database: url, encryption, audit });
      const user = await store.users.insert(createUser({ email: 'ada@example.org' }, { now: 1 }));
      await store.apiKeys.store(user.id, 'openai', 'sk-1');
    }
    const refused = await runHere(['keys', 'rotate', '--database', url], { env: other });
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.include('k1').and.include('Nothing was written');
    await using store = await open(url, between);
    expect((await store.audit.trail({ action: ['keys.rotate', 'keys.rotated'] })).items).to.deep.equal([]);
  });

  it('a key that may go, which is refused without the key of the trail', async function () {
    this.timeout(120_000);
    const url = await database.freshUrl();
    {
      await using store = await open(url, before);
      await store.users.insert(createUser({ email: 'ada@example.org' }, { now: 1 }));
    }
    const retire = (keys: string) =>
      runHere(['keys', 'retire', 'k2', '--database', url], { env: { LIMINAL_ENCRYPTION_KEY: keys } });
    const refused = await retire(`k3:${first},k2:${second}`);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.include('k1').and.include('Nothing was written');
    const retired = await retire(`${before},k2:${second}`);
    expect(retired.code, retired.stderr).to.equal(0);
    await using store = await open(url, before);
    const { items } = await store.audit.trail({ action: 'keys.retire' });
    expect(items.map(({ metadata }) => metadata)).to.deep.equal([{ keyId: 'k2' }]);
    expect((await store.audit.verify()).isSound).to.equal(true);
  });

  it('an import, which is refused without the keys that record it', async function () {
    this.timeout(120_000);
    const url = await database.freshUrl();
    await (await open(url, before)).close();
    const file = join(makeTempDirectory('import'), 'conversations.jsonl');
    writeFileSync(file, '{"id":"c-1","services":[],"turns":[{"role":"user","content":"Hello."}]}\n');
    const refused = await runHere(['import', file, '--database', url]);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.include('LIMINAL_ENCRYPTION_KEY');
    const imported = await runHere(['import', file, '--database', url], {
      env: { LIMINAL_ENCRYPTION_KEY: before },
    });
    expect(imported.code, imported.stderr).to.equal(0);
    const other = await runHere(['import', file, '--database', url], {
      env: { LIMINAL_ENCRYPTION_KEY: `k2:${second}` },
    });
    expect(other.code).to.equal(1);
    expect(other.stderr).to.include('k1').and.include('Nothing was written');
    await using store = await open(url, before);
    const { items } = await store.audit.trail({ action: 'create' });
    expect(items.map(({ entity }) => entity?.type)).to.have.members(['thread', 'message']);
    for (const { actor } of items) expect(actor?.id).to.match(/^command line/u);
  });
});

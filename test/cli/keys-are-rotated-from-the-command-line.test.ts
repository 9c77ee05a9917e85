import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createUser, openChatStore } from '../../src/chat/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import { describeOnDatabase, type TestDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { openPatients, makePatient, patientsOf } from '../core/security/patients.ts';
import { runBin, runHere } from './run-bin.ts';

function describeOnLasting(title: string, body: (database: TestDatabase) => void): void {
  describeOnDatabase('sqlite-file', title, body);
  describeOnDatabase('postgres', title, body);
}

describeOnLasting('keys on the command line', (database) => {
  const [first, second] = [randomBytes(32), randomBytes(32)].map((key) => key.toString('base64'));
  const before = `k1:${first}`;
  const between = `k2:${second},k1:${first}`;
  const after = `k2:${second}`;

  it('rotate, tell where they are, and go when nothing needs them', async () => {
    const url = await database.freshUrl();
    const run = async (keys: string, ...args: string[]) => {
      const ran = await runHere(['keys', ...args, '--database', url], {
        env: { LIMINAL_ENCRYPTION_KEY: keys },
      });
      for (const secret of [first, second]) expect(ran.stdout + ran.stderr).not.to.include(secret);
      return ran;
    };
    const open = (keys: string) =>
      openChatStore({ database: url, encryption: KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: keys }) });
    {
      await using store = await open(before);
      const user = await store.users.insert(createUser({ email: 'ada@example.org' }, { now: 1 }));
      await store.apiKeys.store(user.id, 'openai', 'sk-1');
      await store.apiKeys.store(user.id, 'anthropic', 'sk-2');
    }

    const status = await run(between, 'status');
    expect(status.stdout).to.equal(
      'api_keys.sealed_key  k1 2\noauth_identities.sealed_refresh_token  empty\nIn all: k2 (active) 0, k1 2\n',
    );
    const refused = await run(between, 'retire', 'k1');
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.include('api_keys.sealed_key (2)');
    const early = await run(after, 'rotate');
    expect(early.code).to.equal(1);
    expect(early.stderr).to.include('k1').and.include('api_keys.sealed_key');

    const rotated = await run(between, 'rotate', '--batch-size', '1', '--throttle', '0');
    expect(rotated.code, rotated.stderr).to.equal(0);
    expect(rotated.stdout).to.include('api_keys  2 rows are sealed anew\n');
    const json = await run(between, 'status', '--json');
    expect(JSON.parse(json.stdout)).to.deep.include({ activeId: 'k2', keys: { k2: 2, k1: 0 } });
    const retired = await run(between, 'retire', 'k1');
    expect(retired.code, retired.stderr).to.equal(0);
    expect(retired.stdout).to.include('take it out of LIMINAL_ENCRYPTION_KEY');

    await using store = await open(after);
    const [ada] = await store.users.findMany({});
    expect((await store.apiKeys.reveal(ada!.id, 'openai')).reveal()).to.equal('sk-1');
  });

  it('are those of the tables that the project names', async () => {
    const url = await database.freshUrl();
    await using provider = await openPatients(url);
    const { patients: stored } = patientsOf(provider, KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: before }));
    const patient = await stored.insert(makePatient());
    const cwd = makeTempDirectory('keys');
    const patients = fileURLToPath(new URL('../core/security/patients.ts', import.meta.url));
    writeFileSync(
      join(cwd, 'liminal.config.ts'),
      `import { byId } from ${JSON.stringify(patients)};\nexport default { encryption: { tables: [byId] } };\n`,
    );
    const run = (...args: string[]) =>
      runBin(['keys', ...args, '--database', url], { cwd, env: { LIMINAL_ENCRYPTION_KEY: between } });
    expect((await run('rotate')).stdout).to.equal('patients  1 row is sealed anew\n');
    expect((await run('status')).stdout).to.equal(
      'patients.email  k2 1\npatients.email_index  k2 1\npatients.notes  empty\nIn all: k2 (active) 2, k1 0\n',
    );
    await provider.exec('create unique index patients_email on patients (email_index)');
    await stored.insert(makePatient({ email: patient.email }));
    const twice = await run('rotate');
    expect(twice.code).to.equal(1);
    expect(twice.stdout).to.include('0 rows are sealed anew').and.include('their unique index: 1\n');
    writeFileSync(join(cwd, 'liminal.config.ts'), 'export default { encryption: { tables: [] } };\n');
    const faulty = await run('status');
    expect(faulty.code).to.be.greaterThan(0);
    expect(faulty.stderr).to.include('encryption');
  });

  it('are asked for where there are none', async () => {
    const url = await database.freshUrl();
    await using _ = await openPatients(url);
    const { code, stderr } = await runHere(['keys', 'status', '--database', url]);
    expect(code).to.be.greaterThan(0);
    expect(stderr).to.include('LIMINAL_ENCRYPTION_KEY');
  });
});

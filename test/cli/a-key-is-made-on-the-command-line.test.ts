import { expect } from 'chai';
import { KeyRing } from '../../src/core/security/index.ts';
import { pardon } from '../support/secrets/heard-texts.ts';
import { runBin } from './run-bin.ts';

describe('a key is made on the command line', () => {
  it('and is all that is printed, in the form that LIMINAL_ENCRYPTION_KEY takes', async () => {
    const runs = await Promise.all([runBin(['keys', 'generate']), runBin(['keys', 'generate'])]);
    const keys = runs.map(({ code, stdout, stderr }) => {
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(stdout).to.match(/^k[0-9a-f]{10}:[A-Za-z0-9+/]{43}=\n$/);
      return stdout.trim();
    });
    keys.forEach(pardon);
    const ring = KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: keys.join(',') });
    expect(ring.ids).to.deep.equal(keys.map((key) => key.split(':')[0]));
    const [, bare = ''] = keys[0]?.split(':') ?? [];
    expect(KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: bare }).activeId).to.equal(ring.activeId);
  });

  it('or one document with --json', async () => {
    const { code, stdout } = await runBin(['keys', 'generate', '--json']);
    expect(code).to.equal(0);
    const { id, key } = JSON.parse(stdout) as { id: string; key: string };
    pardon(key);
    expect(KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: key }).activeId).to.equal(id);
  });
});

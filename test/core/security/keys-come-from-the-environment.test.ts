// Security check: C5.
import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '../../../src/core/index.ts';
import { FieldCipher } from '../../../src/core/security/field-cipher.ts';
import { generateKey } from '../../../src/core/security/generate-key.ts';
import { KeyRing } from '../../../src/core/security/key-ring.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';

const place = { table: 't', column: 'c', row: 'r' };
const freshKey = () => randomBytes(32).toString('base64');
const idsOf = (LIMINAL_ENCRYPTION_KEY: string) => KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY }).ids;

describe('keys come from the environment', () => {
  const folder = makeTempDirectory('keys');
  const write = (content: string, mode = 0o600): string => {
    const file = join(folder, randomBytes(4).toString('hex'));
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  };

  it('as one key, whose id is made of its bytes', () => {
    const [one, other] = [freshKey(), freshKey()];
    expect(idsOf(one)).to.deep.equal(idsOf(one));
    expect(idsOf(one)).not.to.deep.equal(idsOf(other));
    expect(idsOf(one)[0]).to.match(/^k[0-9a-f]{10}$/);
    expect(idsOf(one.replace('=', ''))).to.deep.equal(idsOf(one));
  });

  it('as several, the first of which seals', () => {
    const [one, other] = [freshKey(), freshKey()];
    expect(idsOf(`new:${one},old:${other}`)).to.deep.equal(['new', 'old']);
    expect(idsOf(` new:${one} , old:${other}\n`)).to.deep.equal(['new', 'old']);
    expect(idsOf(`${one},old:${other}`)).to.deep.equal([...idsOf(one), 'old']);
  });

  it('so that what the last configuration sealed still opens', () => {
    const [one, other] = [freshKey(), freshKey()];
    const sealed = new FieldCipher(KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: one })).seal('v', place);
    const next = new FieldCipher(KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: `${other},${one}` }));
    expect(next.open(sealed, place).reveal()).to.equal('v');
    expect(next.keyIdOf(next.seal('v', place))).not.to.equal(next.keyIdOf(sealed));
  });

  it('in a file, which nobody else may read', function () {
    const { id, key } = generateKey();
    const text = `${id}:${key.reveal()}\n`;
    expect(KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY_FILE: write(text) }).ids).to.deep.equal([id]);
    expect(KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY_FILE: write(text, 0o440) }).ids).to.deep.equal([id]);
    if (process.platform === 'win32') this.skip();
    for (const mode of [0o644, 0o604, 0o620, 0o602]) {
      const open = () => KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY_FILE: write(text, mode) });
      expect(open).to.throw(
        ConfigurationError,
        /^LIMINAL_ENCRYPTION_KEY_FILE: the file .* is open to others/,
      );
    }
  });

  it('and where there is none, or too many, the message says what to do', () => {
    const key = freshKey();
    const faults: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{}, /^LIMINAL_ENCRYPTION_KEY: is not set.*keys generate/],
      [
        { LIMINAL_ENCRYPTION_KEY: key, LIMINAL_ENCRYPTION_KEY_FILE: '/x' },
        /^LIMINAL_ENCRYPTION_KEY: is set, and so is/,
      ],
      [
        { LIMINAL_ENCRYPTION_KEY_FILE: '/no/such/file' },
        /^LIMINAL_ENCRYPTION_KEY_FILE: .*cannot be read .ENOENT/,
      ],
      ...[key, `${key.slice(0, 20)}/${key.slice(21)}`, `/${key.slice(1)}`].map(
        (text) =>
          [
            { LIMINAL_ENCRYPTION_KEY_FILE: text },
            /^LIMINAL_ENCRYPTION_KEY_FILE: the file that it names/,
          ] as const,
      ),
      [{ LIMINAL_ENCRYPTION_KEY: '' }, /^LIMINAL_ENCRYPTION_KEY\.0\.key: .*keys generate/],
      [{ LIMINAL_ENCRYPTION_KEY: `a:${key},` }, /^LIMINAL_ENCRYPTION_KEY\.1\.key/],
      [{ LIMINAL_ENCRYPTION_KEY: `a:${key},b:${key}` }, /^LIMINAL_ENCRYPTION_KEY\.1\.key: is the same/],
      [{ LIMINAL_ENCRYPTION_KEY: `a:${key.replace('=', '*')}` }, /^LIMINAL_ENCRYPTION_KEY\.0\.key/],
    ];
    for (const [env, message] of faults) {
      expect(() => KeyRing.fromEnv(env)).to.throw(ConfigurationError, message);
      expect(() => KeyRing.fromEnv(env)).not.to.throw(key.slice(1, 20));
    }
  });
});

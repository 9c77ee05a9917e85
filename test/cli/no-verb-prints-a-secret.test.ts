import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runBin } from './run-bin.ts';

const secret = 'hunter2-canary';
const url = `postgres://app:${secret}@127.0.0.1:1/shop`;

/** Ways in which a password gets into a command that fails. */
const commands: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>])[] = [
  ['a database that cannot be reached', ['migrate', 'status', '--database', url], {}],
  ['an import into one', ['import', 'x.jsonl', '--database', url], {}],
  ['the environment', ['migrate', 'latest'], { DATABASE_URL: url }],
  [
    'a URL that cannot be read',
    ['migrate', 'latest', '--database', `postgres://app:${secret}@[::1/shop`],
    {},
  ],
  ['a URL with an unknown option', ['migrate', 'latest', '--database', `${url}?nonsense=${secret}`], {}],
  ['a misspelled option', ['migrate', 'latest', `--databse=${url}`], {}],
  ['an option that there is not', ['migrate', 'latest', `--password=${secret}`], {}],
  ['a URL in the place of a verb', ['migrate', url], {}],
  ['a URL in the place of a number', ['migrate', 'up', url], {}],
  ['a URL in the place of a name', ['migrate', 'make', url], {}],
  ['a URL in the place of a file', ['import', url, '--database', 'sqlite::memory:'], {}],
  [
    'a URL in the place of a legacy database',
    ['import-legacy', '--from', url, '--database', 'sqlite::memory:'],
    {},
  ],
  [
    'a URL in the place of the file of a legacy key',
    ['import-legacy', '--from', 'package.json', '--legacy-key-file', url, '--database', 'sqlite::memory:'],
    {},
  ],
  ['a source of a copy that cannot be reached', ['copy', '--from', url, '--to', 'sqlite::memory:'], {}],
  ['a target of one', ['copy', 'verify', '--from', 'sqlite::memory:', '--to', url], {}],
  ['a URL in the place of a backup', ['backup', url, '--database', 'sqlite::memory:'], {}],
  ['a URL in the place of a backup to restore', ['restore', url, '--database', 'sqlite:./x.db'], {}],
  ['a URL in the place of a file of types', ['types', 'check', '--migrated', '--out', url], {}],
  ['a URL in the place of a seed', ['seed', 'make', url], {}],
  ['a URL in the place of a configuration file', ['migrate', 'up', '--config', url], {}],
  ['settings in the place of a URL', ['migrate', 'up', '--database', `host=h password=${secret}`], {}],
];

describe('no verb prints a secret', () => {
  for (const [what, args, env] of commands) {
    it(`that comes by ${what}, not even with --debug and --json`, async () => {
      const { code, stdout, stderr } = await runBin([...args, '--debug', '--json'], { env });
      expect(code).to.be.oneOf([1, 2]);
      expect(stderr).to.match(/^error: /);
      expect(stdout + stderr).not.to.include(secret);
    });
  }

  it('that comes to the doctor, who finds that nobody is there', async () => {
    const { code, stdout, stderr } = await runBin(['doctor', '--database', url, '--debug', '--json']);
    expect({ code, stderr }).to.deep.equal({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).to.include({ faults: 1 });
    expect(stdout).not.to.include(secret);
  });

  it('of a conversation that it cannot read', async () => {
    const cwd = makeTempDirectory('cli');
    for (const line of [
      secret,
      `{"id": "${secret}"`,
      `{"id":"1","turns":[{"role":"${secret}","content":"${secret}"}]}`,
    ]) {
      writeFileSync(join(cwd, 'x.jsonl'), `{"id":"0","turns":[]}\n${line}\n`);
      const { code, stdout, stderr } = await runBin(
        ['import', 'x.jsonl', '--database', 'sqlite::memory:', '--debug', '--json'],
        { cwd },
      );
      expect(code).to.equal(1);
      expect(stderr).to.match(/^error: line 2/);
      expect(stdout + stderr).not.to.include(secret);
    }
  });
});

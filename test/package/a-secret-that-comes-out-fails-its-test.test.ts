import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../scripts/run-command.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';

const root = new URL('../../', import.meta.url).href;
/** One leak a test, in each way that a secret may take. */
const fixture = `
import { spawn } from 'node:child_process';
import { createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { DecryptionError, ForbiddenError, Secret, silentLogger, ValidationError } from '${root}src/core/index.ts';
import { getPostgresServer } from '${root}test/support/postgres-server.ts';
import { watchedLogger } from '${root}test/support/secrets/watched-logger.ts';

const text = randomBytes(15).toString('base64url');
const bytes = randomBytes(32);
new Secret(text).reveal();
createSecretKey(bytes);
const run = (code) => once(spawn(process.execPath, ['--eval', code]), 'exit');

describe('a leak', () => {
  it('by a message', () => void new ForbiddenError('no ' + text));
  it('by a message in hexadecimal', () => void new ForbiddenError(Buffer.from(text).toString('hex')));
  it('by a field', () => void new ValidationError([{ path: [text], message: 'no' }]));
  it('by a hidden field', () =>
    void Object.defineProperty(new ForbiddenError('no'), 'hidden', { value: { key: bytes } }));
  it('by a cause', () => void new ForbiddenError('no', { cause: { a: { b: new Error('no', { cause: text }) } } }));
  it('by an error that is made before the secret is known', () => {
    const late = randomBytes(32);
    const place = { table: late.toString('base64'), column: 'c' };
    void new DecryptionError(place);
    createSecretKey(late);
  });
  it('by the output', () => console.log(text));
  it('by the error output', () => console.error([...bytes]));
  it('by the default logger', () => silentLogger.warn({ bytes }, 'no'));
  it('by a logger of a test', () => watchedLogger(silentLogger).warn({ deep: { text } }, 'no'));
  it('by a process', () => run(\`console.log('\${bytes.toString('base64')}')\`));
  it('by a process that says it in two pieces', () =>
    run(\`process.stderr.write('\${text.slice(0, 9)}', () => setTimeout(() => process.stderr.write('\${text.slice(9)}'), 200))\`));
  it('of the password of the server', async () => void new ForbiddenError((await getPostgresServer()).adminUrl));
});
describe('no leak', () => {
  it('by an error and an output', () => {
    void new ForbiddenError('no', { cause: new Secret(text) });
    console.log(String(new Secret(text)), randomBytes(32), text.slice(0, 8));
  });
});
describe('a leak of a hook', () => {
  before(() => console.log(bytes));
  it('in front of a test is told by it', () => {});
  after(() => console.log(bytes.toString('hex')));
});`;

describe('a secret that comes out (C8)', () => {
  it('fails the test that it came out of, and that one alone', async () => {
    const file = join(makeTempDirectory('leaks'), 'fixture.test.ts');
    writeFileSync(file, fixture);
    const { stdout } = await runCommand('mocha', [file]);
    const failed = Array.from(
      stdout.matchAll(/^ +\d+\) (.+)\n +(.+):$/gm),
      ([, suite, test]) => `${suite} ${test}`,
    );
    expect(failed).to.deep.equal([
      'a leak by a message',
      'a leak by a message in hexadecimal',
      'a leak by a field',
      'a leak by a hidden field',
      'a leak by a cause',
      'a leak by an error that is made before the secret is known',
      'a leak by the output',
      'a leak by the error output',
      'a leak by the default logger',
      'a leak by a logger of a test',
      'a leak by a process',
      'a leak by a process that says it in two pieces',
      'a leak of the password of the server',
      'a leak of a hook in front of a test is told by it',
      '"after all" hook: afterAll in "{root}": Error: Secrets came out',
    ]);
    expect(stdout.trimEnd().split('\n').at(-1)).to.equal('1 passed, 15 failed, 0 skipped');
  }).timeout(60_000);
});

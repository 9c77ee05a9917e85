import { expect } from 'chai';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { LateSecret } from '../../../src/core/foundation/secret-source.ts';
import {
  ConfigurationError,
  ConnectionError,
  readSecret,
  Secret,
  type SecretSource,
} from '../../../src/core/index.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';

const canary = 'hunter2 of the source';

describe('a secret is read where it is', () => {
  const folder = makeTempDirectory('source');
  const write = (name: string, content: string, mode = 0o400): string => {
    const file = join(folder, name);
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  };

  it('in the code, a variable, a file or by a function', async () => {
    const env = { WORD: canary, OTHER_FILE: write('other', `${canary}\n`) };
    const sources: readonly SecretSource[] = [
      canary,
      new Secret(canary),
      { env: 'WORD' },
      { env: 'OTHER' },
      { file: write('file', canary) },
      () => canary,
      async () => Promise.resolve(new Secret(canary)),
    ];
    for (const source of sources) {
      expect((await readSecret(source, { env })).reveal()).to.equal(canary);
      const late = new LateSecret(source);
      expect((await late.read({ env })).reveal()).to.equal(canary);
      expect(
        `${String(late)}${JSON.stringify({ late })}${inspect({ late }, { depth: 10, showHidden: true })}`,
      )
        .to.contain('[redacted]')
        .and.not.contain(canary);
    }
  });

  it('anew each time', async () => {
    let count = 0;
    const late = new LateSecret(() => `word ${(count += 1)}`);
    expect((await late.read()).reveal()).to.equal('word 1');
    expect((await late.read()).reveal()).to.equal('word 2');
  });

  it('and where there is none, the message says which, and never what', async () => {
    const env = { EMPTY: '', BOTH: canary, BOTH_FILE: '/x' };
    const faults: readonly (readonly [SecretSource, RegExp])[] = [
      ['', /is empty/],
      [{ env: 'EMPTY' }, /is empty/],
      [{ env: 'NONE' }, /NONE is not set, and neither is NONE_FILE/],
      [{ env: 'BOTH' }, /BOTH is set, and so is BOTH_FILE/],
      [{ file: join(folder, 'none') }, /^The secret: the file that it names cannot be read .ENOENT/],
      [{ file: canary }, /the file that it names cannot be read/],
      [() => undefined as unknown as string, /is empty, or no text/],
    ];
    for (const [source, message] of faults) {
      const error = await rejectionOf(readSecret(source, { env }));
      expect(error).to.be.instanceOf(ConfigurationError).with.property('message').that.matches(message);
      expect(inspect(error, { depth: 10, showHidden: true })).not.to.contain(canary);
    }
    if (process.platform === 'win32') return;
    const error = await rejectionOf(readSecret({ file: write('open', canary, 0o644) }));
    expect(error)
      .to.be.instanceOf(ConfigurationError)
      .with.property('message')
      .that.contains('open to others');
  });

  it('and a secret that stands where its path belongs is never repeated', async () => {
    const bytes = [251, 239, 190, ...Array.from({ length: 29 }, (_, index) => index * 8)];
    const key = Buffer.from(bytes).toString('base64');
    for (const text of [key, `/${key}`, `./${key}`, `${key}/`, `C:\\${key}`, `id:${key}`]) {
      const errors = [
        await rejectionOf(readSecret({ file: text })),
        await rejectionOf(readSecret({ env: 'KEY' }, { env: { KEY_FILE: text } })),
      ];
      for (const error of errors) {
        expect(error).to.be.instanceOf(ConfigurationError);
        expect(inspect(error, { depth: 10, showHidden: true })).not.to.contain(key.slice(0, 8));
      }
    }
  });

  it('a function that fails is named, and not what it says', async () => {
    const failures: readonly (() => never)[] = [
      () => {
        throw Object.assign(new Error(canary), { code: 'ETIMEDOUT', config: { auth: canary } });
      },
      () => {
        throw Object.assign(new TypeError(canary), { code: canary, name: canary });
      },
      () => {
        throw canary as unknown as Error;
      },
    ];
    for (const fail of failures) {
      for (const source of [fail, async () => Promise.resolve().then(fail)]) {
        const error = await rejectionOf(readSecret(source));
        expect(error).to.be.instanceOf(ConnectionError).with.property('retryable', true);
        expect(inspect(error, { depth: 10, showHidden: true })).not.to.contain(canary);
      }
    }
    const [first] = failures;
    expect(((await rejectionOf(readSecret(first ?? ''))) as Error).message).to.contain('ETIMEDOUT');
  });

  it('a function that takes too long is given up, and hears of it', async () => {
    const signals: AbortSignal[] = [];
    const silent = (signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<string>(() => {});
    };
    const error = await rejectionOf(readSecret(silent, { timeout: 20 }));
    expect(error).to.be.instanceOf(ConnectionError).with.property('message').that.contains('20 ms');
    const controller = new AbortController();
    const reading = rejectionOf(readSecret(silent, { signal: controller.signal }));
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await reading).to.equal(reason);
    expect(await rejectionOf(readSecret('x', { signal: controller.signal }))).to.equal(reason);
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true, true]);
  });
});

import { expect } from 'chai';
import { readFileSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../../scripts/run-command.ts';

const sources = globSync('{src,migrations}/**/*.ts', { cwd: projectRoot }).map((path) => ({
  path: path.replaceAll('\\', '/'),
  text: readFileSync(join(projectRoot, path), 'utf8'),
}));

/** Where NODE_ENV is read, and why it only makes things stricter. */
const readers = [
  // The kit of the tests refuses to be loaded in production.
  'src/core/testing/assert-not-production.ts',
  // Seeds want to be asked for twice in production.
  'src/cli/seed-command.ts',
];

/** Names of variables and options that would take a protection away. */
const bypass =
  /\b\w*(?:bypass|skip[-_]?(?:auth|verif|encrypt|tls|security)|disable[-_]?(?:auth|encrypt|security|tls)|no[-_]?(?:auth|encrypt)|dev[-_]?mode|is[-_]?dev\b|allow[-_]?(?:weak|insecure|plain)|trust[-_]?all|NODE_TLS_REJECT)\w*/gi;

function findSwitches(text: string): string[] {
  return Array.from(stripComments(text).matchAll(bypass), ([word]) => word);
}

function stripComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
}

describe('no switch weakens security', () => {
  it('NODE_ENV is read where it makes things stricter, and nowhere else', () => {
    const found = sources.filter(({ text }) => /NODE_ENV/.test(stripComments(text))).map(({ path }) => path);
    expect(found).to.have.members(readers);
  });

  it('the environment is read by its own doors alone, and never for a variable on the way', () => {
    const found = sources.filter(({ text }) => /process\.env\b|\bprocess\[['"]env/.test(stripComments(text)));
    expect(found.map(({ path }) => path).filter((path) => !path.startsWith('src/cli/'))).to.have.members([
      'src/core/config/from-env.ts',
      'src/core/foundation/secret-source.ts',
      'src/core/security/key-ring.ts',
      'src/core/testing/assert-not-production.ts',
    ]);
  });

  it('nothing has the name of a bypass', () => {
    expect(sources.length).to.be.greaterThan(200);
    const found = sources.flatMap(({ path, text }) => findSwitches(text).map((word) => `${path}: ${word}`));
    expect(found).to.deep.equal([]);
    for (const word of [
      'BYPASS_AUTH',
      'skipAuth',
      'DEV_MODE',
      'isDev',
      'allowWeakKeys',
      'disableEncryption',
    ]) {
      expect(findSwitches(`if (${word}) return;`)).to.deep.equal([word]);
    }
  });

  it('certificates are verified wherever there is TLS', () => {
    const lax = sources.filter(({ text }) =>
      /rejectUnauthorized:(?!\s*true)|checkServerIdentity:/.test(stripComments(text)),
    );
    expect(lax.map(({ path }) => path)).to.deep.equal([]);
  });
});

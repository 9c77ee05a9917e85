/** C30: migrations are code of the project. What its own files import is run, and nothing is found or fetched. */
import { expect } from 'chai';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadConfig } from '../../src/cli/load-config.ts';
import { ConfigurationError } from '../../src/core/index.ts';
import { projectRoot } from '../../scripts/run-command.ts';
import { rejectionOf } from '../support/rejection.ts';
import { readSources } from '../support/source-files.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runBin } from './run-bin.ts';

const migrate = pathToFileURL(join(projectRoot, 'src/core/migrate/index.ts')).href;

/** Calls of `import` with anything but a text of the source, and ways to run a text or to fetch one. */
function findLoaders(sources: ReadonlyMap<string, string>): string[] {
  const loaders =
    /\bimport\((?!\s*['"])|\bcreateRequire\(|\beval\(|\bnew Function\b|(?<![#.\w])fetch\(|\bnode:(?:vm|https?)\b/u;
  return [...sources].filter(([, source]) => loaders.test(withoutComments(source))).map(([path]) => path);
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
}

describe('only listed migrations are loaded (C30)', () => {
  it('since nothing in the library loads what is not named in its source, but for these', () => {
    expect(findLoaders(readSources())).to.have.members([
      // The configuration file of the project, in the working directory or where --config says.
      'src/cli/load-config.ts',
      // Anchors of the audit trail are sent, and no word of the answer is read.
      'src/core/audit/anchor-sinks.ts',
      // Modules of Node itself.
      'src/core/foundation/node-crypto.ts',
      // Published keys; JSON, and never code.
      'src/core/security/tokens/fetch-key-set.ts',
    ]);
    for (const line of [
      'await import(path)',
      'eval(text)',
      'new Function(text)',
      'await fetch(url)',
      "from 'node:vm'",
    ]) {
      expect(findLoaders(new Map([['a.ts', line]])), line).to.have.length(1);
    }
    expect(findLoaders(new Map([['a.ts', "await import('pg')"]]))).to.deep.equal([]);
  });

  it('no address of a configuration is fetched or run: it is a path', async () => {
    const cwd = makeTempDirectory('config');
    const mark = join(cwd, 'was-run');
    const code = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(mark)}, ''); export default {};`;
    for (const address of [
      `data:text/javascript,${encodeURIComponent(code)}`,
      `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`,
      'https://127.0.0.1:1/liminal.config.js',
      'http://127.0.0.1:1/liminal.config.js',
      'node:fs',
      'file:///etc/hostname',
    ]) {
      const error = await rejectionOf(loadConfig(cwd, address));
      expect(error, address).to.be.instanceOf(ConfigurationError);
      expect(String(error), address).to.contain('There is no configuration file');
    }
    expect(existsSync(mark)).to.equal(false);
  });

  it('a file that lies in the folder and that nobody lists is not loaded', async () => {
    const cwd = makeTempDirectory('migrations');
    mkdirSync(join(cwd, 'migrations'));
    const mark = join(cwd, 'was-run');
    const leave = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(mark)}, '');`;
    for (const name of ['0001-intruder.ts', '0002-intruder.js', 'index.ts']) {
      writeFileSync(
        join(cwd, 'migrations', name),
        `${leave} export const up = () => {}; export const down = up;`,
      );
    }
    writeFileSync(
      join(cwd, 'liminal.config.ts'),
      `import { defineMigrationSet } from ${JSON.stringify(migrate)};
       const up = (db) => db.schema.createTable('listed').addColumn('id', 'integer').execute();
       const down = (db) => db.schema.dropTable('listed').execute();
       export default {
         database: 'sqlite:./app.db', migrationsFolder: 'migrations',
         migrations: [defineMigrationSet({ name: 'app', migrations: [{ name: '0001-listed', up, down }] })],
       };`,
    );
    const { code, stdout, stderr } = await runBin(['migrate', 'latest'], { cwd });
    expect(code, stderr).to.equal(0);
    expect(stdout).to.contain('0001-listed').and.not.to.contain('intruder');
    const made = await runBin(['migrate', 'make', 'next'], { cwd });
    expect(made.code, made.stderr).to.equal(0);
    expect(existsSync(mark)).to.equal(false);
  }).timeout(120_000);
});

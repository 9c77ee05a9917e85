import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadConfig } from '../../src/cli/load-config.ts';
import { ConfigurationError } from '../../src/core/foundation/errors/configuration-error.ts';
import { projectRoot } from '../../scripts/run-command.ts';
import { rejectionOf } from '../support/rejection.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';

function makeProject(files: Readonly<Record<string, string>>): string {
  const folder = makeTempDirectory('config-file');
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

async function faultsOfFile(content: string): Promise<string[]> {
  const error = await rejectionOf(loadConfig(makeProject({ 'liminal.config.mjs': content })));
  expect(error).to.be.instanceOf(ConfigurationError);
  return (error as ConfigurationError).message.split('\n');
}

const define = pathToFileURL(join(projectRoot, 'src/core/migrate/define-config.ts')).href;

describe('liminal.config', () => {
  it('need not be there', async () => {
    expect(await loadConfig(makeProject({}))).to.deep.equal({});
  });

  it('is read as TypeScript', async () => {
    const file = `import { defineConfig } from ${JSON.stringify(define)};
      const database: string = 'sqlite:app.db';
      export default defineConfig({ database, migrations: [{ name: 'shop', migrations: [] }], migrationsFolder: 'm' });`;
    expect(await loadConfig(makeProject({ 'liminal.config.ts': file }))).to.deep.equal({
      database: 'sqlite:app.db',
      migrations: [{ name: 'shop', migrations: [] }],
      migrationsFolder: 'm',
    });
  });

  it('is read as JavaScript, with either ending', async () => {
    for (const name of ['liminal.config.js', 'liminal.config.mjs']) {
      const folder = makeProject({
        [name]: `export default { database: '${name}' };`,
        'package.json': '{"type":"module"}',
      });
      expect(await loadConfig(folder)).to.deep.equal({ database: name });
    }
  });

  it('is TypeScript first where there are several', async () => {
    const folder = makeProject({
      'liminal.config.mjs': `export default { database: 'mjs' };`,
      'liminal.config.ts': `export default { database: 'ts' };`,
    });
    expect(await loadConfig(folder)).to.deep.equal({ database: 'ts' });
  });

  it('may have another name, from the folder where the program runs', async () => {
    const folder = makeProject({ 'other.mjs': `export default { database: 'other' };` });
    expect(await loadConfig(folder, 'other.mjs')).to.deep.equal({ database: 'other' });
    expect(await loadConfig('/', join(folder, 'other.mjs'))).to.deep.equal({ database: 'other' });
  });

  it('must be there when it was named', async () => {
    const error = await rejectionOf(loadConfig(makeProject({}), 'missing.ts'));
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(String(error)).to.match(/There is no configuration file .*missing\.ts/);
  });

  it('has every fault of its shape reported at once', async () => {
    const content = `export default { database: 5, migrations: [{}], migrationsFolder: '', seeds: [{}], seedsFolder: 1, typesFile: '', databse: 'sqlite:x' };`;
    expect((await faultsOfFile(content)).map((line) => line.split(': ')[0])).to.have.members(
      ['database', 'migrations', 'migrationsFolder', 'seeds', 'seedsFolder', 'typesFile', 'databse'].map(
        (field) => `liminal.config.mjs.${field}`,
      ),
    );
  });

  for (const [title, content, fault] of [
    ['no default export', `export const config = {};`, /^liminal\.config\.mjs has no default export/],
    ['nothing by default', `export default undefined;`, /^liminal\.config\.mjs: must be a plain object/],
    ['a list by default', `export default [];`, /^liminal\.config\.mjs: must be a plain object/],
    ['migrations that are no list', `export default { migrations: {} };`, /migrations: must be a list/],
    ['a syntax error', `export default {`, /^liminal\.config\.mjs could not be loaded: /],
    [
      'a missing import',
      `import 'not-installed';`,
      /^liminal\.config\.mjs could not be loaded: .*not-installed/,
    ],
    ['a thrown word', `throw 'word';`, /^liminal\.config\.mjs could not be loaded: it threw/],
  ] as const) {
    it(`with ${title} is refused`, async () => {
      expect((await faultsOfFile(content))[0]).to.match(fault);
    });
  }

  it('lets an error of this library pass as it is', async () => {
    const parse = pathToFileURL(join(projectRoot, 'src/core/config/parse-database-config.ts')).href;
    const content = `import { parseDatabaseConfig } from '${parse}'; export default { database: parseDatabaseConfig('x') };`;
    expect((await faultsOfFile(content))[0]).to.match(/^url: must be a URL/);
  });

  it('in TypeScript says which Node it needs, where Node cannot read it', async () => {
    const content = `throw Object.assign(new Error('.ts'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' });`;
    const error = await rejectionOf(loadConfig(makeProject({ 'liminal.config.ts': content })));
    expect(String(error)).to.match(/This Node cannot read TypeScript .*Node 22\.18 or newer/);
  });
});

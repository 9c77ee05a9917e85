import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { projectRoot } from '../../../scripts/run-command.ts';

const run = promisify(execFile);

/** Runs a query in a process in which a package is not installed. */
async function queryWithout(packageName: string, url: string, preparation = ''): Promise<string> {
  const door = pathToFileURL(join(projectRoot, 'src/core/index.ts')).href;
  const program = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier === ${JSON.stringify(packageName)}) {
          throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
        }
        return next(specifier, context);
      },
    });
    ${preparation}
    const { DatabaseProviderFactory } = await import(${JSON.stringify(door)});
    const provider = DatabaseProviderFactory.createProvider(${JSON.stringify(url)});
    await provider.initialize().then(
      () => console.log('connected'),
      (error) => console.log(error.code, error.message),
    );
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  return stdout;
}

describe('a missing driver', () => {
  it('is a ConfigurationError that says what to install', async () => {
    const sqlite = await queryWithout('better-sqlite3', 'sqlite::memory:');
    expect(sqlite).to.contain('LIMINAL_CONFIGURATION').and.contain('npm install better-sqlite3');
    const postgres = await queryWithout('pg', 'postgres://localhost/app');
    expect(postgres).to.contain('LIMINAL_CONFIGURATION').and.contain('npm install pg');
  });

  it('is named too where the package is there and its binary is not', async () => {
    const noBinaries = `process.dlopen = () => {
      throw Object.assign(new Error('no such file'), { code: 'ERR_DLOPEN_FAILED' });
    };`;
    const sqlite = await queryWithout('pg', 'sqlite::memory:', noBinaries);
    expect(sqlite).to.contain('LIMINAL_CONFIGURATION').and.contain('npm rebuild better-sqlite3');
  });

  it('is no matter to who uses the other engine', async () => {
    expect(await queryWithout('pg', 'sqlite::memory:')).to.contain('connected');
  });
});

// Security check: C31.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { projectRoot } from '../../../scripts/run-command.ts';
import { ConfigurationError } from '../../../src/core/index.ts';
import { assertNotProduction } from '../../../src/core/testing/index.ts';

const run = promisify(execFile);
const door = JSON.stringify(pathToFileURL(join(projectRoot, 'src/core/testing/index.ts')).href);

async function runProgram(
  program: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, ...environment },
  });
  return stdout.trim();
}

describe('the testing kit', () => {
  it('refuses to be loaded in production', async () => {
    const program = `console.log(await import(${door}).then(() => 'loaded', (error) => error.code));`;
    expect(await runProgram(program, { NODE_ENV: 'production' })).to.equal('LIMINAL_CONFIGURATION');
    expect(await runProgram(program, { NODE_ENV: 'test' })).to.equal('loaded');
    expect(await runProgram(program, { NODE_ENV: '' })).to.equal('loaded');
  });

  it('says so again where a bundler has dropped the first check', () => {
    expect(() => assertNotProduction('production')).to.throw(ConfigurationError, /NODE_ENV=production/);
    assertNotProduction('development');
  });

  it('needs fast-check for the escape check alone, and says what to install', async () => {
    const program = `
      import { registerHooks } from 'node:module';
      registerHooks({
        resolve(specifier, context, next) {
          if (specifier === 'fast-check') throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
          return next(specifier, context);
        },
      });
      const { checkEscape, findAnomalies } = await import(${door});
      console.log(findAnomalies({ transactions: [] }).length);
      await checkEscape({}).catch((error) => console.log(error.code, error.message));`;
    expect(await runProgram(program)).to.match(
      /^0\nLIMINAL_CONFIGURATION .*npm install --save-dev fast-check$/,
    );
  });
});

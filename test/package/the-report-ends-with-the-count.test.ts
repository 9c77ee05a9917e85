import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../scripts/run-command.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';

const support = new URL('../support/', import.meta.url).href;
const fixture = `
import { describeOnEachDatabase } from '${support}database.ts';
import { reportNotRun } from '${support}reporter.ts';
reportNotRun('the moon', 'no rocket');
describeOnEachDatabase('a fixture', (database) => {
  it('passes', async () => { await database.freshUrl(); });
  it('fails', () => { throw new Error('as it should'); });
});
after(() => console.log('a hook has the last word'));`;

describe('the report of a test run', function () {
  this.timeout(60_000);
  let file: string;
  let another: string;

  before(() => {
    const folder = makeTempDirectory('report');
    file = join(folder, 'fixture.test.ts');
    another = join(folder, 'another.test.ts');
    for (const path of [file, another]) writeFileSync(path, fixture);
  });

  const run = (skip: string) => runCommand('mocha', [file], { env: { LIMINAL_TEST_SKIP: skip } });

  it('ends with the count, after the databases and what did not run', async () => {
    const { code, stdout } = await run('postgres');
    expect(code, 'exit code').to.equal(2);
    expect(stdout.trimEnd().split('\n').slice(-3)).to.deep.equal([
      'databases: sqlite-file (2 tests), sqlite-memory (2 tests), postgres (switched off)',
      'not run: the moon (no rocket)',
      '2 passed, 2 failed, 2 skipped',
    ]);
  });

  it('is one for several processes', async () => {
    const { code, stdout } = await runCommand('node', ['scripts/test.ts', file, another], {
      env: { LIMINAL_TEST_SKIP: 'postgres', LIMINAL_TEST_JOBS: '2' },
    });
    expect(code, 'exit code').to.equal(1);
    expect(stdout.match(/a hook has the last word/g)).to.have.lengthOf(2);
    expect(stdout.trimEnd().split('\n').slice(-3)).to.deep.equal([
      'databases: sqlite-file (4 tests), sqlite-memory (4 tests), postgres (switched off)',
      'not run: the moon (no rocket)',
      '4 passed, 4 failed, 4 skipped',
    ]);
  });

  it('shows each failure in full', async () => {
    const { stdout } = await run('postgres,sqlite-memory');
    expect(stdout).to.match(
      /a fixture \[sqlite-file\]\s+fails:\s+Error: as it should\n\s+at .*fixture\.test\.ts:7/,
    );
  });

  it('refuses to switch off a database that it does not know', async () => {
    const { code, output } = await run('postgers');
    expect(code).not.to.equal(0);
    expect(output).to.contain('LIMINAL_TEST_SKIP names "postgers"').and.to.contain('sqlite-memory');
  });
});

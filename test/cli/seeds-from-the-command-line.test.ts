import { expect } from 'chai';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseProviderFactory } from '../../src/core/index.ts';
import { describeOnDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runBin, runHere, type BinRun } from './run-bin.ts';

const config = `export default {
  seeds: [
    { name: 'plans', run: (db) => db.insertInto('plans').values({ id: 'free' }).execute() },
    { name: 'more', run: (db) => db.insertInto('plans').values({ id: 'pro' }).execute() },
  ],
};`;

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'seeds from the command line', (database) => {
    let cwd: string;
    let url: string;

    beforeEach(async () => {
      cwd = makeTempDirectory('cli');
      writeFileSync(join(cwd, 'liminal.config.mjs'), config);
      url = await database.freshUrl();
      await using provider = DatabaseProviderFactory.createProvider(url);
      await provider.exec('create table plans (id text)');
    });

    const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<BinRun> =>
      runHere(['seed', ...args, '--database', url], { cwd, env });

    async function readPlans(): Promise<string[]> {
      await using provider = DatabaseProviderFactory.createProvider(url);
      return (await provider.query<{ id: string }>('select id from plans order by id')).map(({ id }) => id);
    }

    it('run once, alone or again where they are told to', async function () {
      this.timeout(60_000);
      const one = await run(['run', '--only', 'more', '--json']);
      expect(one.code, one.stderr).to.equal(0);
      expect(
        (JSON.parse(one.stdout) as { ran: { name: string }[] }).ran.map((ran) => ran.name),
      ).to.deep.equal(['more']);
      const rest = await run(['run']);
      expect(rest.stdout).to.match(/^plans {2}\d+ ms\n1 seed run on /);
      expect((await run(['run'])).stdout).to.match(/^Nothing to do on /);
      expect(await readPlans()).to.deep.equal(['free', 'pro']);
      expect((await run(['run', '--again', '--only', 'plans'])).code).to.equal(0);
      expect(await readPlans()).to.deep.equal(['free', 'free', 'pro']);
    });

    it('do not run in production, unless they are told to', async () => {
      const refused = await run(['run'], { NODE_ENV: 'production' });
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.include('--force');
      expect(await readPlans()).to.deep.equal([]);
      expect((await run(['run', '--force'], { NODE_ENV: 'production' })).code).to.equal(0);
      expect(await readPlans()).to.deep.equal(['free', 'pro']);
    });

    it('that are not there are told, and nothing is left behind', async () => {
      const unknown = await run(['run', '--only', 'nobody']);
      expect(unknown.code).to.equal(1);
      expect(unknown.stderr).to.include('plans, more');
      writeFileSync(join(cwd, 'liminal.config.mjs'), 'export default {};');
      const none = await runBin(['seed', 'run', '--database', url], { cwd });
      expect(none.code).to.equal(1);
      expect(none.stderr).to.include('seeds');
      expect(await readPlans()).to.deep.equal([]);
    });
  });
}

describe('seeds from the command line', () => {
  it('are made with the next number, and fail until they are written', async () => {
    const cwd = makeTempDirectory('cli');
    const { code, stdout } = await runBin(['seed', 'make', 'plans'], { cwd });
    expect(code).to.equal(0);
    expect(stdout)
      .to.include("import { seed as seed0001 } from './seeds/0001-plans.ts';")
      .and.include('seed0001');
    await runBin(['seed', 'make', 'more'], { cwd });
    expect(readdirSync(join(cwd, 'seeds'))).to.deep.equal(['0001-plans.ts', '0002-more.ts']);
    expect(readFileSync(join(cwd, 'seeds', '0001-plans.ts'), 'utf8'))
      .to.include("name: '0001-plans'")
      .and.include('run is not written yet');
    const refused = await runBin(['seed', 'make', 'Not A Slug'], { cwd });
    expect(refused.code).to.equal(1);
    expect(readdirSync(join(cwd, 'seeds'))).to.have.lengthOf(2);
  });

  it('make no database where there is none', async () => {
    const cwd = makeTempDirectory('cli');
    writeFileSync(join(cwd, 'liminal.config.mjs'), config);
    const { code } = await runBin(['seed', 'run', '--database', 'sqlite:./app.db'], { cwd });
    expect(code).to.equal(1);
    expect(readdirSync(cwd)).to.deep.equal(['liminal.config.mjs']);
  });
});

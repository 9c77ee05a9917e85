import { expect } from 'chai';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runBin } from './run-bin.ts';

/** What is wrong use: nothing is opened, nothing is written, the exit code is 2. */
const misuses: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['an unknown verb', ['migrat'], /unknown command 'migrat'/],
  ['an unknown verb of migrate', ['migrate', 'sideways'], /unknown command 'sideways'/],
  ['an unknown option', ['migrate', 'latest', '--databse', 'x'], /unknown option '--databse'/],
  ['an option without its value', ['migrate', 'latest', '--database'], /--database <url>' argument missing/],
  ['a missing argument', ['migrate', 'to'], /missing required argument 'name'/],
  ['too many arguments', ['migrate', 'up', '1', '2'], /too many arguments/],
  ['no steps at all', ['migrate', 'up', '0'], /whole number from 1/],
  ['negative steps', ['migrate', 'down', '-1'], /whole number from 1/],
  ['half a step', ['migrate', 'up', '1.5'], /whole number from 1/],
  ['a doctor with an argument', ['doctor', 'x'], /too many arguments/],
  ['an option of another verb', ['doctor', '--set', 'chat'], /unknown option '--set'/],
  [
    'an unknown set',
    ['migrate', 'latest', '--set', 'nowhere'],
    /there are: audit, chat, health, outbox, saga, token/,
  ],
];

describe('a verb of the command line ends', () => {
  it('with 0 where somebody asks for help or the version', async () => {
    const help = await runBin(['--help']);
    expect(help).to.include({ code: 0, stderr: '' });
    expect(help.stdout).to.include('migrate').and.to.include('import');
    const version = await runBin(['--version']);
    expect(version).to.include({ code: 0, stderr: '' });
    expect(version.stdout).to.match(/^\d+\.\d+\.\d+\S*\n$/);
  });

  for (const verb of [[], ['migrate']]) {
    it(`with 2 and the help on stderr where "${['liminal-data', ...verb].join(' ')}" names no verb`, async () => {
      const { code, stdout, stderr } = await runBin(verb);
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
      expect(stderr).to.include('Usage: liminal-data');
    });
  }

  for (const [what, args, message] of misuses) {
    it(`with 2 and one line for ${what}`, async () => {
      const cwd = makeTempDirectory('cli');
      const { code, stdout, stderr } = await runBin(args, { cwd });
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
      expect(stderr)
        .to.match(/^error: [^\n]+\n$/)
        .and.to.match(message);
      expect(existsSync(join(cwd, 'data'))).to.equal(false);
    });
  }

  it('with 1 and one line where the configuration has faults, however many', async () => {
    const { code, stdout, stderr } = await runBin([
      'migrate',
      'latest',
      '--database',
      'sqlite:./x.db?pool.max=none&nonsense=1',
    ]);
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(stderr).to.match(/^error: pool\.max: [^\n]+; nonsense: [^\n]+\n$/);
  });

  it('with 1 and one line where the database cannot be reached', async () => {
    const { code, stderr } = await runBin(['migrate', 'status', '--database', 'postgres://a@127.0.0.1:1/b']);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^error: [^\n]*127\.0\.0\.1:1[^\n]*\n$/);
  });

  it('with a stack only where --debug asks for it', async () => {
    const args = ['migrate', 'latest', '--config', 'nowhere.ts'];
    const plain = await runBin(args);
    expect(plain.stderr).to.match(/^error: [^\n]+\n$/);
    const debug = await runBin([...args, '--debug']);
    expect(debug.code).to.equal(1);
    expect(debug.stderr)
      .to.include('ConfigurationError')
      .and.to.match(/\n +at /);
  });

  it('with 0 and one JSON document where --json is asked for the help or the version', async () => {
    for (const [args, text] of [
      [['--help'], 'Usage: liminal-data'],
      [['migrate', 'up', '--help'], 'Usage: liminal-data migrate up'],
      [['--version'], '.'],
    ] as const) {
      const { code, stdout, stderr } = await runBin([...args, '--json']);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect((JSON.parse(stdout) as { text: string }).text).to.include(text);
    }
  });

  it('with 2 and one JSON document where --json stands without a verb', async () => {
    for (const verb of [[], ['migrate']]) {
      const { code, stdout, stderr } = await runBin([...verb, '--json']);
      expect(code).to.equal(2);
      expect(stderr).to.include('Usage: liminal-data');
      expect(JSON.parse(stdout)).to.have.nested.property('error.message', 'A verb is missing.');
    }
  });

  it('with 1 and one line where the status of a SQLite file is asked for that is not there, and makes none', async () => {
    const cwd = makeTempDirectory('cli');
    for (const args of [['--database', 'sqlite:folder/app.db'], []]) {
      const { code, stdout, stderr } = await runBin(['migrate', 'status', ...args], { cwd });
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
      expect(stderr).to.match(/^error: There is no database file [^\n]+\n$/);
      expect(readdirSync(cwd)).to.deep.equal([]);
    }
    const inMemory = await runBin(['migrate', 'status', '--database', 'sqlite::memory:'], { cwd });
    expect(inMemory.code).to.equal(3);
  });

  it('with 0 where the doctor has found nothing, and with 1 where it has, as a report', async () => {
    const well = await runBin(['doctor', '--database', 'sqlite::memory:']);
    expect(well).to.include({ code: 0, stderr: '' });
    expect(well.stdout).to.match(/\nNothing is to be done on sqlite :memory:\.\n$/);
    const sick = await runBin(['doctor', '--database', 'postgres://a@127.0.0.1:1/b']);
    expect(sick).to.include({ code: 1, stderr: '' });
    expect(sick.stdout).to.match(/^unhealthy +database .*127\.0\.0\.1:1/m);
  });

  it('with one JSON document on stdout where --json asks for it, also for an error', async () => {
    const { code, stdout, stderr } = await runBin(['migrate', 'latest', '--config', 'nowhere.ts', '--json']);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^error: [^\n]+\n$/);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
    expect(error.code).to.equal('LIMINAL_CONFIGURATION');
    expect(stderr).to.equal(`error: ${error.message}\n`);
  });
});

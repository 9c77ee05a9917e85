import { expect } from 'chai';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseProviderFactory } from '../../src/core/index.ts';
import { describeOnDatabase, type TestDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runBin, runHere, type BinRun } from './run-bin.ts';

const everything = [
  '0001-audit-logs',
  '0001-accounts',
  '0002-conversations',
  '0003-message-search',
  '0001-health-checks',
  '0001-outbox',
  '0002-inbox',
  '0001-sagas',
  '0001-tokens',
];
const source = new URL('../../', import.meta.url);

interface StatusDocument {
  readonly database: string;
  readonly pending: number;
  readonly sets: readonly {
    readonly set: string;
    readonly migrations: readonly { readonly name: string; readonly appliedAt: number | null }[];
  }[];
}

interface RunDocument {
  readonly sets: readonly {
    readonly set: string;
    readonly applied: readonly { readonly name: string; readonly direction: string }[];
    readonly current: string | null;
  }[];
}

/** In memory every process has a database of its own. */
function describeOnLasting(title: string, body: (database: TestDatabase) => void): void {
  describeOnDatabase('sqlite-file', title, body);
  describeOnDatabase('postgres', title, body);
}

describeOnLasting('migrate from the command line', (database) => {
  let url: string;

  beforeEach(async () => {
    url = await database.freshUrl();
  });

  const migrate = (...args: readonly string[]): Promise<BinRun> =>
    runHere(['migrate', ...args, '--database', url]);

  async function runJson(...args: readonly string[]): Promise<string[]> {
    const { code, stdout, stderr } = await migrate(...args, '--json');
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    const { sets } = JSON.parse(stdout) as RunDocument;
    return sets.flatMap(({ applied }) => applied.map(({ name, direction }) => `${direction} ${name}`));
  }

  async function readStatus(): Promise<{ code: number | null; status: StatusDocument }> {
    const { code, stdout, stderr } = await migrate('status', '--json');
    expect(stderr).to.equal('');
    return { code, status: JSON.parse(stdout) as StatusDocument };
  }

  it('brings the package’s own sets up, and the status tells it by its exit code', async () => {
    expect(await runJson('up')).to.deep.equal(['up 0001-audit-logs']);
    const before = await readStatus();
    expect(before.code).to.equal(3);
    expect(before.status.pending).to.equal(everything.length - 1);
    expect(await runJson('latest')).to.deep.equal(everything.slice(1).map((name) => `up ${name}`));
    const after = await readStatus();
    expect(after.code).to.equal(0);
    expect(after.status.pending).to.equal(0);
    expect(after.status.sets.map(({ set }) => set)).to.deep.equal([
      'audit',
      'chat',
      'health',
      'outbox',
      'saga',
      'token',
    ]);
    expect(await runJson('latest')).to.deep.equal([]);
  });

  it('says what it did, a line a migration', async () => {
    const { code, stdout, stderr } = await migrate('latest');
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).to.have.lengthOf(everything.length + 2);
    expect(lines[0]).to.match(
      /^No liminal\.config .* package's own sets: audit, chat, health, outbox, saga, token\.$/,
    );
    expect(lines[1]).to.match(/^audit {2}up {4}0001-audit-logs {2}\d+ ms$/);
    expect(lines.at(-1)).to.match(/^\d+ migrations run on \S+ \S+\.$/);
    const status = await migrate('status');
    expect(status.stdout).to.match(/^chat {2}0001-accounts {2}\d{4}-\d\d-\d\dT/m);
    expect((await migrate('latest')).stdout).to.match(/^Nothing to do on /m);
  });

  it('goes up and down by steps, through all sets', async () => {
    expect(await runJson('up')).to.deep.equal(['up 0001-audit-logs']);
    expect(await runJson('up', '3')).to.deep.equal(everything.slice(1, 4).map((name) => `up ${name}`));
    expect(await runJson('down', '2')).to.deep.equal(['down 0003-message-search', 'down 0002-conversations']);
    expect(await runJson('down', 'all')).to.deep.equal(['down 0001-accounts', 'down 0001-audit-logs']);
  });

  it('goes to a name, in the set that has it, or in the one that --set gives', async () => {
    expect(await runJson('to', '0002-conversations')).to.deep.equal([
      'up 0001-accounts',
      'up 0002-conversations',
    ]);
    expect(await runJson('latest', '--set', 'health')).to.deep.equal(['up 0001-health-checks']);
    expect(await runJson('to', '0001-accounts', '--set', 'chat')).to.deep.equal(['down 0002-conversations']);
    const { code, stderr } = await migrate('to', '0009-nowhere');
    expect(code).to.equal(1);
    expect(stderr).to.match(/^error: [^\n]+\n$/);
  });

  it('takes its database and its sets from liminal.config.ts', async () => {
    const cwd = makeProject(url, '');
    const { code, stdout, stderr } = await runHere(['migrate', 'latest'], { cwd });
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout).to.match(/^notes {2}up {4}0001-notes {2}\d+ ms\n1 migration run on /);
  });

  it('takes the database of the command line before that of liminal.config.ts', async () => {
    const cwd = makeProject('sqlite:./never-made.db', '');
    const { code, stdout } = await runHere(['migrate', 'latest', '--database', url], { cwd });
    expect(code).to.equal(0);
    expect(stdout).to.contain('0001-notes');
    expect(existsSync(join(cwd, 'never-made.db'))).to.equal(false);
  });

  it('tells the status of the one set that --set gives', async () => {
    await migrate('latest');
    const { stdout } = await migrate('status', '--set', 'health');
    expect(stdout).to.contain('health  0001-health-checks').and.not.contain('chat');
  });

  it('takes its database from the environment where nothing else says it', async () => {
    const { code, stdout } = await runHere(['migrate', 'up'], { env: { DATABASE_URL: url } });
    expect(code).to.equal(0);
    expect(stdout).to.match(/^audit {2}up {4}0001-audit-logs/m);
    expect((await readStatus()).status.pending).to.equal(everything.length - 1);
  });

  it('names the migration that failed and why, and keeps those before it', async () => {
    const cwd = makeProject(url, `await sql\`select * from nowhere\`.execute(db);`);
    const { code, stdout, stderr } = await runHere(['migrate', 'latest'], { cwd });
    expect(code).to.equal(1);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/^error: Migration "0001-notes" of set "notes" failed [^\n]*nowhere[^\n]*\n$/);
  });

  it('shows what would run and runs none of it, and is strict where it is told to', async () => {
    const cwd = makeProject(url, `await sql\`create table parts (id integer primary key)\`.execute(db);`);
    await runHere(['migrate', 'latest', '--set', 'notes'], { cwd: makeProject(url, '') });
    await runHere(['migrate', 'down', '--set', 'notes'], { cwd: makeProject(url, '') });
    const { code, stdout, stderr } = await runHere(['migrate', 'plan', '--strict'], { cwd });
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout).to.include('create table notes').and.include('create table parts');
    const dangerous = makeProject(url, 'await sql`drop table extra`.execute(db);');
    await using provider = DatabaseProviderFactory.createProvider(url);
    await provider.exec('create table extra (id integer)');
    for (const [args, expected] of [
      [['plan'], 0],
      [['plan', '--strict'], 3],
    ] as const) {
      const run = await runHere(['migrate', ...args], { cwd: dangerous });
      expect(run.code).to.equal(expected);
      expect(run.stdout).to.include('drop-table');
    }
    expect(await provider.query('select * from extra')).to.deep.equal([]);
    const failing = await runHere(['migrate', 'plan'], {
      cwd: makeProject(url, 'throw new Error("no luck");'),
    });
    expect(failing.code).to.equal(1);
    expect(failing.stdout).to.include('no luck');
  });

  it('names what is not as recorded, and records it where it is told to', async () => {
    const cwd = makeProject(url, '');
    await runHere(['migrate', 'latest'], { cwd });
    const sound = await runHere(['migrate', 'verify'], { cwd });
    expect(sound.code).to.equal(0);
    expect(sound.stdout).to.match(/is as recorded\.\n$/);
    await using provider = DatabaseProviderFactory.createProvider(url);
    await provider.exec('create table by_hand (id integer)');
    const edited = makeProject(url, 'await sql`select 1`.execute(db);');
    const { code, stdout } = await runHere(['migrate', 'verify'], { cwd: edited });
    expect(code).to.equal(3);
    expect(stdout).to.include('"0001-notes" was edited').and.include('unexpected: table by_hand');
    const json = await runHere(['migrate', 'verify', '--json'], { cwd: edited });
    expect(JSON.parse(json.stdout)).to.deep.include({ isSound: false });
    expect((await runHere(['migrate', 'repair'], { cwd: edited })).code).to.equal(2);
    const repair = ['migrate', 'repair', '--accept', '0001-notes', '--accept-schema'];
    expect((await runHere(repair, { cwd: edited })).code).to.equal(0);
    expect((await runHere(['migrate', 'verify'], { cwd: edited })).code).to.equal(0);
  });

  it('takes the last migration back and runs it again, and tells that nobody holds the lock', async () => {
    const cwd = makeProject(url, '');
    await runHere(['migrate', 'latest'], { cwd });
    const { code, stdout } = await runHere(['migrate', 'redo'], { cwd });
    expect(code).to.equal(0);
    expect(stdout).to.match(/notes {2}down {2}0001-notes.*\nnotes {2}up {4}0001-notes.*\n2 migrations run/);
    const unlocked = await runHere(['migrate', 'unlock'], { cwd });
    expect(unlocked).to.include({ code: 0 });
    expect(unlocked.stdout).to.include('Nobody holds the lock');
  });

  it('saves the database first where it is told to, or says how', async () => {
    const cwd = makeProject(url, '');
    await runHere(['migrate', 'latest'], { cwd });
    const { code, stdout, stderr } = await runHere(['migrate', 'down', '--backup'], { cwd });
    if (database.name === 'postgres') {
      expect(code).to.equal(1);
      expect(stderr).to.include('pg_dump');
      return;
    }
    expect(code).to.equal(0);
    const file = /^Backup: (.*)$/m.exec(stdout)?.[1] ?? '';
    await using saved = DatabaseProviderFactory.createProvider(`sqlite:${file}`);
    expect(await saved.query('select * from notes')).to.deep.equal([]);
  });

  it('takes several sets by name', async () => {
    expect(await runJson('latest', '--set', 'saga', '--set', 'health')).to.deep.equal([
      'up 0001-health-checks',
      'up 0001-sagas',
    ]);
    expect((await migrate('latest', '--set', 'health', '--set', 'nowhere')).code).to.equal(2);
  });

  it('writes a new migration in the configured folder and says where to list it', async () => {
    const cwd = makeProject(url, '');
    const { code, stdout } = await runBin(['migrate', 'make', 'add-labels'], { cwd });
    expect(code).to.equal(0);
    expect(stdout).to.include(join('history', '0001-add-labels.ts')).and.to.include('import * as m0001');
    expect(readFileSync(join(cwd, 'history', '0001-add-labels.ts'), 'utf8')).to.include(
      'export async function up',
    );
    const refused = await runBin(['migrate', 'make', '../labels'], { cwd });
    expect(refused.code).to.equal(1);
  });

  /** A project with one migration, whose `up` goes on with some code. */
  function makeProject(databaseUrl: string, code: string): string {
    const folder = makeTempDirectory('project');
    const imported = (path: string): string => JSON.stringify(new URL(path, source).href);
    const kysely = JSON.stringify(import.meta.resolve('kysely'));
    writeFileSync(
      join(folder, 'liminal.config.ts'),
      `import { sql } from ${kysely};
import { defineConfig, defineMigrationSet } from ${imported('src/core/migrate/index.ts')};

const notes = {
  name: '0001-notes',
  async up(db) {
    await sql\`create table notes (id integer primary key)\`.execute(db);
    ${code}
  },
  async down(db) {
    await sql\`drop table notes\`.execute(db);
  },
};

export default defineConfig({
  database: ${JSON.stringify(databaseUrl)},
  migrations: [defineMigrationSet({ name: 'notes', migrations: [notes] })],
  migrationsFolder: 'history',
});
`,
    );
    return folder;
  }
});

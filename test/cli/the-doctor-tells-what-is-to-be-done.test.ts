import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { openSync, closeSync, readFileSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { DatabaseProviderFactory } from '../../src/core/index.ts';
import { describeOnDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runHere, type BinRun } from './run-bin.ts';

interface Finding {
  readonly subject: string;
  readonly status: string;
  readonly message: string;
  readonly remedy: string | null;
}

interface Report extends Pick<BinRun, 'code' | 'stderr'> {
  readonly faults: number;
  readonly findings: readonly Finding[];
}

const door = new URL('../../src/core/migrate/index.ts', import.meta.url).href;

/** A project whose only set makes `authors` and `books`, the second with or without the index of its foreign key. */
function makeProject(): string {
  const folder = makeTempDirectory('doctor');
  const config = `
    import { defineConfig, defineMigrationSet } from '${door}';
    export default defineConfig({ migrations: [defineMigrationSet({ name: 'books', migrations: [
      { name: '0001-books', up: async (db) => {
        await db.schema.createTable('authors').addColumn('id', 'integer', (c) => c.primaryKey()).execute();
        await db.schema.createTable('books')
          .addColumn('id', 'integer', (c) => c.primaryKey())
          .addColumn('author', 'integer', (c) => c.references('authors.id'))
          .execute();
        await db.schema.createIndex('books_author').on('books').columns(['author', 'id']).execute();
      }, down: async () => {} },
    ] })] });`;
  writeFileSync(join(folder, 'liminal.config.ts'), config);
  return folder;
}

async function consult(cwd: string, url: string): Promise<Report> {
  const { code, stdout, stderr } = await runHere(['doctor', '--json', '--database', url], { cwd });
  return { code, stderr, ...(JSON.parse(stdout) as Omit<Report, 'code' | 'stderr'>) };
}

const faultsOf = ({ findings }: Report): string[] =>
  findings.filter(({ status }) => status !== 'healthy').map(({ subject, status }) => `${subject}: ${status}`);

/** Everything that lies in a folder, byte by byte. */
function snapshot(folder: string): Record<string, string> {
  const hash = (name: string) => createHash('sha256').update(readFileSync(join(folder, name)));
  return Object.fromEntries(readdirSync(folder).map((name) => [name, hash(name).digest('hex')]));
}

async function change(url: string, ...statements: readonly string[]): Promise<void> {
  await using provider = DatabaseProviderFactory.createProvider<unknown>(url);
  for (const statement of statements) await provider.exec(statement);
}

describeOnDatabase('sqlite-file', 'the doctor tells what is to be done', (database) => {
  let cwd: string;
  let url: string;
  let file: string;

  beforeEach(async () => {
    cwd = makeProject();
    url = await database.freshUrl();
    file = url.slice('sqlite:'.length);
  });

  const migrate = () => runHere(['migrate', 'latest', '--database', url], { cwd });

  it('which is nothing where all is well, and changes no byte', async () => {
    await migrate();
    const before = snapshot(dirname(file));
    const { code, stdout, stderr } = await runHere(['doctor', '--database', url], { cwd });
    expect({ code, stderr }, stdout).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout)
      .to.match(/^healthy {4}node .*\n/)
      .and.match(/Nothing is to be done on sqlite .*\n$/);
    for (const subject of [
      'journal',
      'version',
      'durability',
      'integrity',
      'foreign keys',
      'migrations',
      'disk',
    ]) {
      expect(stdout).to.match(new RegExp(`^healthy +${subject} `, 'm'));
    }
    expect(snapshot(dirname(file))).to.deep.equal(before);
  });

  it('where migrations are pending, which it does not run', async () => {
    await change(url, 'create table other (id integer)');
    const report = await consult(cwd, url);
    expect(report.code).to.equal(1);
    expect(faultsOf(report)).to.deep.equal(['migrations: unhealthy']);
    expect(report.findings.find(({ subject }) => subject === 'migrations')).to.include({
      message: 'books: pending are 0001-books.',
      remedy: 'Run "liminal-data migrate latest".',
    });
    expect(faultsOf(await consult(cwd, url))).to.have.length(1);
  });

  it('where the schema was changed by hand, and a foreign key lost its index', async () => {
    await migrate();
    await change(url, 'drop index books_author', 'create index partly on books (author) where id > 1');
    const report = await consult(cwd, url);
    expect(new Set(faultsOf(report))).to.deep.equal(
      new Set(['foreign keys: degraded', 'migrations: degraded']),
    );
    const { message, remedy } = report.findings.find(({ subject }) => subject === 'foreign keys')!;
    expect(message).to.match(/Table books has no index that begins with \(author\)/);
    expect(remedy).to.include('on books (author)');
  });

  it('where a row refers to nothing', async () => {
    await migrate();
    const raw = new Database(file);
    raw.exec('pragma foreign_keys = off; insert into books values (1, 7)');
    raw.close();
    const report = await consult(cwd, url);
    expect(faultsOf(report)).to.deep.equal(['integrity: unhealthy']);
    expect(report.code).to.equal(1);
  });

  it('where the file is damaged', async () => {
    await migrate();
    const raw = new Database(file);
    raw.exec(`with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)
      insert into authors select n from c`);
    raw.close();
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.alloc(2_000, 0xff), 0, 2_000, statSync(file).size - 4_096 * 3);
    closeSync(handle);
    const report = await consult(cwd, url);
    expect(report.code).to.equal(1);
    expect(report.findings.some(({ status }) => status === 'unhealthy')).to.equal(true);
  });

  it('where the file has no write-ahead log, which it does not give it', async () => {
    const raw = new Database(file);
    raw.exec('create table other (id integer)');
    raw.close();
    const before = snapshot(dirname(file));
    const report = await consult(cwd, url);
    expect({ code: report.code, faults: faultsOf(report) }).to.deep.equal({
      code: 1,
      faults: ['journal: degraded'],
    });
    expect(snapshot(dirname(file))).to.deep.equal(before);
  });

  it('where the file is none of SQLite, or empty', async () => {
    for (const [content, fault] of [
      ['Dear diary, '.repeat(100), 'journal: unhealthy'],
      ['', 'journal: degraded'],
    ] as const) {
      writeFileSync(file, content);
      expect(faultsOf(await consult(cwd, url))).to.deep.equal([fault]);
      expect(readFileSync(file, 'utf8')).to.equal(content);
      expect(readdirSync(dirname(file))).to.have.length(1);
    }
  });

  it('and makes no file where there is none', async () => {
    const { code, stderr } = await runHere(['doctor', '--database', url], { cwd });
    expect(code).to.equal(1);
    expect(stderr).to.match(/^error: There is no database file [^\n]+\n$/);
    expect(readdirSync(dirname(file))).to.deep.equal([]);
  });

  it('of the sets of the package those that have run, where the project names none', async () => {
    const elsewhere = makeTempDirectory('doctor');
    await runHere(['migrate', 'latest', '--set', 'health', '--database', url], { cwd: elsewhere });
    const report = await consult(elsewhere, url);
    expect(faultsOf(report)).to.deep.equal([]);
    expect(report.code).to.equal(0);
  });
});

describeOnDatabase('postgres', 'the doctor tells what is to be done', (database) => {
  let cwd: string;
  let url: string;

  beforeEach(async () => {
    cwd = makeProject();
    url = await database.freshUrl();
    await runHere(['migrate', 'latest', '--database', url], { cwd });
  });

  /** The server of the tests writes nothing to the disk, which the doctor does not like. */
  const faultsBeside = (report: Report) =>
    faultsOf(report).filter((fault) => fault !== 'durability: degraded');

  it('which is nothing of the database where all is well', async () => {
    const report = await consult(cwd, url);
    expect(faultsBeside(report)).to.deep.equal([]);
    const subjects = report.findings.map(({ subject }) => subject);
    expect(subjects).to.include.members([
      'node',
      'version',
      'connections',
      'statement timeout',
      'latency',
      'clock',
    ]);
  });

  it('where the limits are none, or too many', async () => {
    const report = await consult(cwd, `${url}?pool.max=9999&statementTimeout=0`);
    expect(faultsBeside(report)).to.deep.equal(['connections: degraded', 'statement timeout: degraded']);
    expect(report.code).to.equal(1);
    expect(
      report.findings.filter(({ status }) => status !== 'healthy').map(({ remedy }) => remedy),
    ).not.to.include(null);
  });

  it('where an index is not valid, a constraint was never checked, and a foreign key has no index', async () => {
    await change(
      url,
      'drop index books_author',
      'create unique index books_lonely on books (id)',
      `update pg_index set indisvalid = false where indexrelid = 'books_lonely'::regclass`,
      'alter table books add constraint positive check (id > 0) not valid',
    );
    const report = await consult(cwd, url);
    const messages = report.findings
      .filter(({ status }) => status !== 'healthy')
      .map(({ message }) => message);
    for (const expected of [
      /Index books_lonely of table books is not valid/,
      /Constraint positive of table books was never validated/,
      /books has no index that begins with \(author\)/,
    ]) {
      expect(
        messages.some((message) => expected.test(message)),
        String(expected),
      ).to.equal(true);
    }
  });

  it('where the server is not there, as a finding and without the password', async () => {
    const { code, stdout, stderr } = await runHere(
      ['doctor', '--database', 'postgres://app:hidden-word@127.0.0.1:1/shop'],
      { cwd },
    );
    expect({ code, stderr }).to.deep.equal({ code: 1, stderr: '' });
    expect(stdout)
      .to.match(/^unhealthy +database .*127\.0\.0\.1:1/m)
      .and.not.include('hidden-word');
  });
});

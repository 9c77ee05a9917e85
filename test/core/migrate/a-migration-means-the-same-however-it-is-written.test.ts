import { expect } from 'chai';
import { build, transform } from 'esbuild';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot, runCommand } from '../../../scripts/run-command.ts';
import type { Migration } from '../../../src/core/migrate/index.ts';
import { checksumOf } from '../../../src/core/migrate/migration-checksum.ts';
import { chatMigrations } from '../../../migrations/chat/index.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';

const source = `
import { sql as sql, type Kysely } from 'kysely';

const limit = 64;

/** Notes. */
export async function up(db: Kysely<any>, t: { text(name: string): unknown }): Promise<void> {
  // One table.
  await (db as any).schema.createTable('notes').addColumn("body", t.text('body')!).execute();
  const names = ['a', 'b', \`c\${limit}\`] satisfies string[];
  for (const [index, name] of names.entries()) {
    if (/^[a-z'"]+$/.test(name) && index < 1_000) await sql\`insert into notes values (\${name}, \${0x10})\`.execute(db);
  }
  await db.insertInto('notes').values({ 'body': 'x', size: 10n } as never).execute();
}

export const down = async (db: Kysely<any>): Promise<void> => {
  await db.schema.dropTable('notes').execute();
};
`;

/** The same text as others would write it. */
const variants: Readonly<Record<string, (text: string) => string>> = {
  'without comments': (text) => text.replace('// One table.', '').replace('/** Notes. */', ''),
  'with other comments': (text) => text.replace('// One table.', '/* A table;\n await nothing(); */'),
  'with other quotes': (text) => text.replaceAll("'notes'", '"notes"').replace('"body"', "'body'"),
  'in one line': (text) => text.replace(/\/\/.*$/m, '').replaceAll('\n', ' '),
  'with CRLF': (text) => text.replaceAll('\n', '\r\n'),
  'with parentheses and semicolons': (text) =>
    text.replace("'notes')", "('notes'))").replace('.execute();\n};', '.execute();;\n};'),
  'with numbers written otherwise': (text) => text.replace('1_000', '1000').replace('0x10', '16'),
  'with other names of its own variables': (text) =>
    text.replaceAll(/\bnames\b/g, 'words').replaceAll(/\bdb\b/g, 'trx'),
  'with names that a bundler has numbered': (text) =>
    text
      .replaceAll(/\bsql\b(?= as|`)/g, 'sql2')
      .replace('sql2 as sql', 'sql as sql2')
      .replaceAll('limit', 'limit3'),
};

/** Another meaning. */
const edits: Readonly<Record<string, (text: string) => string>> = {
  'another table': (text) => text.replace("'notes'", "'note'"),
  'another column in a quoted text': (text) => text.replace('insert into notes', 'insert into  notes'),
  'another number': (text) => text.replace('1_000', '1_001'),
  'another big number': (text) => text.replace('10n', '11n'),
  'another pattern': (text) => text.replace('[a-z', '[b-z'),
  'another operator': (text) => text.replace('index < 1', 'index <= 1'),
  'another member': (text) => text.replace('.createTable', '.createView'),
  'another one of its own variables': (text) => text.replace('test(name)', 'test(index)'),
  'a numbered variable of its own for another one': (text) =>
    text
      .replace('const names', 'const role1 = 1, role2 = 2; void role2; const names')
      .replace('index < 1_000', 'index < role2'),
  'another property': (text) => text.replace('size:', 'length:'),
  'another order': (text) => text.replace("['a', 'b'", "['b', 'a'"),
  'a statement less': (text) => text.replace(/ {2}await db\.insertInto.*\n/, ''),
  'another function': (text) => text.replace('t.text', 't.json'),
  'another way down': (text) => text.replace("dropTable('notes')", "dropTable('notes').ifExists()"),
  'a call that nobody awaits': (text) => text.replace('  await db.insertInto', '  void db.insertInto'),
};

describe('a migration means the same however it is written', function () {
  this.timeout(60_000);
  let count = 0;
  let folder: string;
  let meant: string | undefined;

  before(async () => {
    folder = makeTempDirectory('checksums');
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
    meant = await checksum(source);
    expect(meant).to.match(/^1:[0-9a-f]{64}$/);
  });

  async function load(text: string, extension = 'js'): Promise<Migration> {
    const file = join(folder, `m${(count += 1)}.${extension}`);
    writeFileSync(file, text);
    return { ...((await import(pathToFileURL(file).href)) as Migration) };
  }

  const checksum = async (text: string) => checksumOf(await load(text, 'ts'));

  for (const [title, rewrite] of Object.entries(variants)) {
    it(title, async () => {
      const text = rewrite(source);
      expect(text).not.to.equal(source);
      expect(await checksum(text)).to.equal(meant);
    });
  }

  it('as a bundler wrote it', async () => {
    const { code } = await transform(source, { loader: 'ts', target: 'es2024', charset: 'ascii' });
    expect(await checksumOf(await load(code))).to.equal(meant);
  });

  it('as the compiler wrote it', async () => {
    const file = join(folder, 'compiled.ts');
    writeFileSync(file, source);
    const { output } = await runCommand('tsc', [
      '--target',
      'es2024',
      '--module',
      'nodenext',
      '--ignoreConfig',
      '--noCheck',
      '--types',
      '',
      '--outDir',
      join(folder, 'out'),
      file,
    ]);
    const text = readFileSync(join(folder, 'out', 'compiled.js'), 'utf8');
    expect(text, output).not.to.include('Kysely<any>');
    expect(await checksumOf(await load(text))).to.equal(meant);
  });

  for (const [title, edit] of Object.entries(edits)) {
    it(`but not with ${title}`, async () => {
      const text = edit(source);
      expect(text).not.to.equal(source);
      expect(await checksum(text)).not.to.equal(meant);
    });
  }

  it('but not without its transaction; what it says of itself besides does not count', async () => {
    const migration = await load(source, 'ts');
    expect(await checksumOf({ ...migration, transaction: false })).not.to.equal(meant);
    expect(await checksumOf({ ...migration, transaction: true })).to.equal(meant);
    expect(await checksumOf({ ...migration, destructive: 'It is empty.' })).to.equal(meant);
  });

  it('and nobody knows what a bound function means', async () => {
    const migration = await load(source, 'ts');
    expect(await checksumOf({ ...migration, up: migration.up.bind(undefined) })).to.equal(undefined);
  });

  it('in the package as it is built: nobody hears of an edit who installs it', async () => {
    await build({
      entryPoints: [join(projectRoot, 'migrations/chat/index.ts'), join(projectRoot, 'src/core/index.ts')],
      ...({ bundle: true, splitting: true, format: 'esm', platform: 'node', packages: 'external' } as const),
      outdir: join(folder, 'bundle'),
    });
    const url = pathToFileURL(join(folder, 'bundle/migrations/chat/index.js')).href;
    const built = (await import(url)) as { chatMigrations: typeof chatMigrations };
    for (const [index, migration] of chatMigrations.migrations.entries()) {
      const twin = built.chatMigrations.migrations[index] as Migration;
      expect(await checksumOf(twin), migration.name).to.equal(await checksumOf(migration));
    }
  });
});

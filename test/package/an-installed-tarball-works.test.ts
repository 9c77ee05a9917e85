import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../scripts/run-command.ts';
import { makeStrangerProject, type StrangerProject } from '../support/stranger-project.ts';

const samples = ['core', 'chat'] as const;

const strangerSettings = {
  compilerOptions: {
    target: 'ES2024',
    module: 'NodeNext',
    lib: ['ES2024', 'ESNext.Disposable'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    outDir: 'out',
  },
  include: ['*.ts'],
};

interface SourceMap {
  readonly sources: string[];
  readonly sourcesContent: (string | null)[];
}

/** Reads a row in a worker thread, whose program is a file of its own in the package. */
const readInWorker = `
  import { DatabaseProviderFactory } from 'liminal-data';
  import { sql } from 'kysely';
  let threads = 0;
  process.on('worker', () => (threads += 1));
  const provider = DatabaseProviderFactory.createProvider({
    type: 'sqlite',
    connection: { filename: 'worker.db', workers: 1 },
  });
  await sql\`create table things (id integer primary key, name text)\`.execute(provider.db);
  await sql\`insert into things values (1, 'lamp')\`.execute(provider.db);
  const { rows } = await sql\`select name from things\`.execute(provider.db);
  console.log(threads, JSON.stringify(rows));
  await provider.close();`;

/** Makes a backup and restores it, whose program is a file of its own as well. */
const saveAndRestore = `
  import { DatabaseProviderFactory } from 'liminal-data';
  {
    await using provider = DatabaseProviderFactory.createProvider('sqlite:./saved.db');
    await provider.exec('create table t (x integer)');
    await provider.backup('./copy.db');
  }
  const { kept } = await DatabaseProviderFactory.restoreBackup('sqlite:./saved.db', './copy.db');
  console.log(typeof kept);
`;

describe('an installed tarball works', function () {
  this.timeout(180_000);
  let project: StrangerProject;

  before(async () => {
    project = await makeStrangerProject();
    for (const sample of samples) {
      writeFileSync(join(project.folder, `${sample}.ts`), readSample(sample));
    }
    writeFileSync(join(project.folder, 'tsconfig.json'), JSON.stringify(strangerSettings));
  });

  it('holds what runs and what explains it, and nothing else', () => {
    const topLevel = new Set(project.packedFiles.map((path) => path.split('/')[0]));
    expect([...topLevel]).to.have.members(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json']);
    const kinds = /^dist\/((src|migrations)\/.+\.d\.ts|(src|chunks)\/.+\.js(\.map)?)$/;
    expect(project.packedFiles.filter((path) => path.startsWith('dist/') && !kinds.test(path))).to.deep.equal(
      [],
    );
  });

  it('opens every door that package.json names', async () => {
    const { exports } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    };
    for (const door of Object.keys(exports)) {
      const name = `liminal-data${door.slice(1)}`;
      const attribute = door.endsWith('.json') ? `, { with: { type: 'json' } }` : '';
      const script = `console.log(Object.keys(await import('${name}'${attribute})).length > 0)`;
      expect(await project.run('node', '--input-type=module', '-e', script), name).to.equal('true\n');
    }
  });

  it('makes a backup and restores it', async () => {
    writeFileSync(join(project.folder, 'backup.mjs'), saveAndRestore);
    expect(await project.run('node', 'backup.mjs')).to.equal('string\n');
  });

  it('reads in a worker thread', async () => {
    writeFileSync(join(project.folder, 'worker.mjs'), readInWorker);
    expect(await project.run('node', 'worker.mjs')).to.equal('1 [{"name":"lamp"}]\n');
  });

  it('keeps its rooms closed', async () => {
    const script = `import('liminal-data/dist/src/core/index.js').catch((error) => console.log(error.code))`;
    expect(await project.run('node', '-e', script)).to.equal('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
  });

  it('maps every file back to its sources', () => {
    const installed = join(project.folder, 'node_modules', 'liminal-data');
    for (const path of project.packedFiles.filter((name) => name.endsWith('.js.map'))) {
      const { sources, sourcesContent } = JSON.parse(
        readFileSync(join(installed, path), 'utf8'),
      ) as SourceMap;
      expect(sources, path).to.satisfy((names: string[]) => names.every((name) => name.endsWith('.ts')));
      expect(sourcesContent, path).to.have.lengthOf(sources.length);
      expect(sourcesContent, path).not.to.include(null);
    }
  });

  it('compiles the samples of the README, libraries checked, without the types of a driver', async () => {
    expect(await project.run('tsc', '-p', '.')).to.equal('');
  });

  for (const sample of samples) {
    it(`runs the ${sample} sample of the README`, async () => {
      await project.run('node', join('out', `${sample}.js`));
    });
  }

  it('puts its command where npm finds it', async () => {
    expect(await project.run('npx', '--no-install', 'liminal-data', '--help')).to.contain('migrate');
  });
});

/** The code block that follows `<!-- sample: name -->`. */
function readSample(name: string): string {
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
  const block = new RegExp(`<!-- sample: ${name} -->\\s*\`\`\`ts\\n([\\s\\S]*?)\`\`\``);
  const code = block.exec(readme)?.[1];
  if (code === undefined)
    throw new Error(`README.md has no TypeScript block after <!-- sample: ${name} -->.`);
  return code;
}

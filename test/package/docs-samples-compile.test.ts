import { expect } from 'chai';
import { globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { projectRoot, runCommand } from '../../scripts/run-command.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';

const settings = {
  compilerOptions: {
    target: 'ES2024',
    lib: ['ES2024', 'ESNext.Disposable'],
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    paths: {
      'liminal-data': [join(projectRoot, 'src/core/index.ts')],
      'liminal-data/*': [
        join(projectRoot, 'src/core/*/index.ts'),
        join(projectRoot, 'src/core/engine/*/index.ts'),
        join(projectRoot, 'src/*/index.ts'),
      ],
    },
  },
  include: ['**/*.ts'],
  exclude: ['node_modules'],
};

/**
 * Each page becomes a folder. Its samples are one module, in their order, as a reader meets them; a sample
 * whose first line is the name of a file is that file, and a file that no sample of the page is belongs to
 * the reader.
 */
describe('the samples of the docs compile', function () {
  this.timeout(180_000);

  // One run of the compiler for both: it reads the whole library each time.
  const faulty = {
    name: 'faulty',
    samples: [`import { Repository } from 'liminal-data';\nnew Repository().mend();`],
  };
  let complaints: string[];

  before(async () => {
    const pages = globSync('docs/*.md', { cwd: projectRoot }).map((path) => ({
      name: basename(path, '.md'),
      samples: readSamples(readFileSync(join(projectRoot, path), 'utf8')),
    }));
    expect(pages.flatMap(({ samples }) => samples).length).to.be.greaterThan(5);
    complaints = await compile([...pages, faulty]);
  });

  it('on every page', () => {
    expect(complaints.filter((line) => !line.startsWith('faulty/'))).to.deep.equal([]);
  });

  it('and one that calls what does not exist is found out', () => {
    expect(complaints.join('\n')).to.match(/^faulty\/.*mend/m);
  });
});

interface PageSamples {
  readonly name: string;
  readonly samples: readonly string[];
}

const readersOwnFile = /error TS2307: Cannot find module '\./;

/** What the compiler complains of, line by line, each with the page in front. */
async function compile(pages: readonly PageSamples[]): Promise<string[]> {
  const folder = makeTempDirectory('docs');
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  for (const { name, samples } of pages) {
    const files = new Map<string, string>();
    for (const sample of samples) {
      const file = /^\/\/ (\S+\.ts)\n/.exec(sample)?.[1] ?? 'page.ts';
      files.set(file, `${files.get(file) ?? ''}${sample}\n`);
    }
    for (const [file, text] of files) {
      const path = join(folder, name, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
  const { stdout } = await runCommand('tsc', ['-p', folder, '--pretty', 'false'], { cwd: folder });
  return stdout.split('\n').filter((line) => line !== '' && !readersOwnFile.test(line));
}

function readSamples(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^```ts\n([^]*?)^```$/gm), ([, code = '']) => code);
}

import { expect } from 'chai';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { projectRoot } from '../../scripts/run-command.ts';
import { findBrokenLinks, readAnchors, readLinks } from './markdown-links.ts';

/** Two sound pages. Each mutant changes the first of them and must be found out. */
const soundPages = {
  'README.md':
    'See [limits](docs/limits.md#what-a-page-holds), [the code](src/index.ts) and [npm](https://npm.im/x).',
  'docs/limits.md': '# Limits\n\n## What a page holds\n\n[back](../README.md) [up](#limits)',
};

const mutants: readonly (readonly [string, string, RegExp])[] = [
  ['a file that is not there', '[x](docs/gone.md)', /no such file/],
  ['a file of the right name in the wrong folder', '[x](limits.md)', /no such file/],
  ['a heading that is not there', '[x](docs/limits.md#what-a-page-hides)', /no such heading/],
  ['a heading of its own that is not there', '[x](#nowhere)', /no such heading/],
  ['a heading of what is no page', '[x](src/index.ts#top)', /only a page/],
  ['a place outside of the project', '[x](../elsewhere.md)', /leaves the project/],
  ['a place from the root of the machine', '[x](/docs/limits.md)', /leaves the project/],
];

const exists = (path: string) => path in soundPages || path === 'src/index.ts';

describe('the links of the docs hold', () => {
  it('in every page of the project', () => {
    const pages = readPages();
    expect([...pages.keys()]).to.include.members(['README.md', 'ARCHITECTURE.md', 'docs/README.md']);
    expect(findBrokenLinks(pages, (path) => existsSync(join(projectRoot, path)))).to.deep.equal([]);
  });

  it('and every page of docs is listed in its README', () => {
    const pages = [...readPages().keys()].filter((path) => /^docs\/.+\.md$/.test(path));
    const listed = readLinks(readFileSync(join(projectRoot, 'docs', 'README.md'), 'utf8'));
    expect(pages.filter((path) => path !== 'docs/README.md').sort()).to.deep.equal(
      [...new Set(listed)]
        .filter((target) => !target.includes('/'))
        .map((target) => `docs/${target}`)
        .sort(),
    );
  });

  it('in the sound pages of the mutants below', () => {
    expect(findBrokenLinks(new Map(Object.entries(soundPages)), exists)).to.deep.equal([]);
  });

  for (const [title, text, reason] of mutants) {
    it(`and a page is rejected that links to ${title}`, () => {
      const broken = findBrokenLinks(new Map(Object.entries({ ...soundPages, 'README.md': text })), exists);
      expect(broken).to.have.lengthOf(1);
      expect(broken[0]).to.match(reason);
    });
  }

  it('and code holds no links', () => {
    expect(
      readLinks('`[a](b.md)` ``[c](`d.md`)``\n\n```ts\nlist[0](e);\n[f](g.md)\n```\n\n[h](i.md)'),
    ).to.deep.equal(['i.md']);
  });

  it('and headings have the anchors that GitHub gives them', () => {
    const markdown =
      '# `pool.max`, and more\n## A "b" [c](d.md)\n## Twice\n## Twice\n```sh\n# not one\n```\n';
    expect([...readAnchors(markdown)]).to.deep.equal(['poolmax-and-more', 'a-b-c', 'twice', 'twice-1']);
  });
});

/** Every page that is shown to readers, by path from the root. */
function readPages(): ReadonlyMap<string, string> {
  const paths = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'test/fixtures/**/*.md'], {
    cwd: projectRoot,
  });
  return new Map(
    paths.map((path) => [path.split(sep).join('/'), readFileSync(join(projectRoot, path), 'utf8')] as const),
  );
}

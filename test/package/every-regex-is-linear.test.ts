// Security check: C22.
import { parse, type Node } from 'acorn';
import { expect } from 'chai';
import { stripTypeScriptTypes } from 'node:module';
import { cpuTimeOf } from '../support/cpu-time.ts';
import { readSources } from '../support/source-files.ts';

/** How long the hostile text is, in characters, and how long it may take, in ms. */
const length = 100_000;
const limit = 10;

interface Pattern {
  readonly place: string;
  readonly regex: RegExp;
}

/** Every regular expression that is written as a literal in a source. One that is made from a text at run time is not seen. */
function findPatterns(path: string, source: string): Pattern[] {
  const tree = parse(stripTypeScriptTypes(source), { ecmaVersion: 'latest', sourceType: 'module' });
  const patterns: Pattern[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== 'object' || node === null || node instanceof RegExp) return;
    const { regex } = node as { readonly regex?: { readonly pattern: string; readonly flags: string } };
    if (regex !== undefined) {
      const made = new RegExp(regex.pattern, regex.flags);
      patterns.push({ place: `${path}: ${String(made)}`, regex: made });
    }
    Object.values(node as Node).forEach(visit);
  };
  visit(tree);
  return patterns;
}

/** What could lead a pattern astray: its own characters, what they stand for, and a bad end behind many of them. */
function* hostileTexts(regex: RegExp, size: number): Generator<string> {
  const own = regex.source
    .replaceAll(/\\u\{?[0-9a-f]+\}?|\\x[0-9a-f]{2}|\\./giu, ' ')
    .replaceAll(/\[\^?|[\](){}|+*?^$]/gu, '');
  const atoms = new Set([
    ...own.split(''),
    'a',
    'A',
    '0',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '-',
    '_',
    '.',
    ',',
    '/',
    '\\',
    '"',
    "'",
    '%',
    '$',
    'é',
    '😀',
  ]);
  const words = [
    ...new Set([
      own.slice(0, 40),
      'a ',
      ' a',
      '--',
      '/*',
      "''",
      'a.',
      'a,',
      '-a',
      '0.',
      'ab',
      '\\a',
      '$a$',
      '[[',
      '((',
      '{"',
      '&&',
      'a=',
      'a\n',
    ]),
  ];
  for (const atom of [...atoms, ...words].filter((text) => text !== '')) {
    const many = atom.repeat(Math.ceil(size / atom.length));
    for (const text of [many, `${many}!`, `${many}\0`, `"${many}`, `-----BEGIN ${many}`]) yield text;
  }
}

/** The time of the slowest hostile text, in ms; it stops where a text takes too long. */
function slowest(regex: RegExp, sizes: readonly number[]): number {
  let worst = 0;
  for (const size of sizes) {
    for (const text of hostileTexts(regex, size)) {
      let time = timeOf(regex, text);
      // Other work of the machine is not the pattern's: the best of some tries counts.
      for (let attempt = 0; attempt < 4 && time > limit; attempt += 1)
        time = Math.min(time, timeOf(regex, text));
      worst = Math.max(worst, time);
      if (worst > limit) return worst;
    }
  }
  return worst;
}

function timeOf(regex: RegExp, text: string): number {
  regex.lastIndex = 0;
  return cpuTimeOf(() => regex.exec(text));
}

describe('every regular expression is linear', () => {
  const patterns = [...readSources()].flatMap(([path, source]) => findPatterns(path, source));

  it('and the detector knows one that is not', function () {
    this.timeout(60_000);
    expect(patterns.length).to.be.greaterThan(50);
    expect(findPatterns('a.ts', 'const a: RegExp = /a+$/g;')).to.have.length(1);
    for (const regex of [/\s+$/u, /a+b/u]) {
      expect(slowest(regex, [20, 2_000, 10_000, length]), String(regex)).to.be.greaterThan(limit);
    }
  });

  for (const { place, regex } of patterns) {
    it(`${place} takes at most ${limit} ms for ${length} characters`, function () {
      this.timeout(60_000);
      expect(slowest(regex, [20, 2_000, 10_000, length])).to.be.at.most(limit);
    });
  }
});

import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../scripts/run-command.ts';

const count = 31;

/** What is wrong with the table of checks: a number that is missing or out of order, a test that does not name its check. */
function findFaults(page: string, readTest: (path: string) => string | undefined): string[] {
  const rows = Array.from(page.matchAll(/^\| (C\d+) +\|.*\| (.*?) +\|$/gm), ([, check = '', proof = '']) => ({
    check,
    proof,
  }));
  const faults: string[] = [];
  const expected = Array.from({ length: count }, (_, index) => `C${index + 1}`);
  if (rows.map(({ check }) => check).join() !== expected.join()) faults.push('the checks are not C1 to C31');
  for (const { check, proof } of rows) {
    if (proof.startsWith('not here: ')) continue;
    const paths = Array.from(proof.matchAll(/\]\(\.\.\/([^)]+)\)/g), ([, path = '']) => path);
    const texts = paths.map(readTest);
    if (texts.includes(undefined)) faults.push(`${check}: a test is not there`);
    if (!texts.some((text) => new RegExp(`\\b${check}\\b`, 'u').test(text ?? ''))) {
      faults.push(`${check}: no test names it`);
    }
  }
  return faults;
}

describe('each security check has its test', () => {
  const page = readFileSync(join(projectRoot, 'docs/security-checks.md'), 'utf8');
  const readTest = (path: string) => {
    const file = join(projectRoot, path);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  };

  it('which names it', () => {
    expect(findFaults(page, readTest)).to.deep.equal([]);
  });

  it('and what is missing would be found', () => {
    expect(findFaults(page.replace('| C7 ', '| C70 '), readTest)).to.include('the checks are not C1 to C31');
    expect(findFaults(page.replace('every-regex-is-linear', 'gone'), readTest)).to.include(
      'C22: a test is not there',
    );
    expect(
      findFaults(page.replaceAll('nothing-pollutes-a-prototype', 'weak-keys-are-refused'), readTest),
    ).to.include('C21: no test names it');
  });
});

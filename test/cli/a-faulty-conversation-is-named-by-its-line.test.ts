import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runBin } from './run-bin.ts';

const fine = { id: 'fine', turns: [{ role: 'user', content: 'Hello.' }] };
const empty = { role: 'user', content: '' };

/** What is readable and yet breaks a rule of threads or messages, and where the file has it. */
const faults: readonly (readonly [string, object, RegExp])[] = [
  ['a turn without words', { id: 'a', turns: [...fine.turns, empty] }, /^error: line 4\.turns\.1\.content: /],
  ['an id that is too long', { id: 'a'.repeat(256), turns: [] }, /^error: line 4\.id: /],
  [
    'services that make too long a title',
    { id: 'a', services: ['a'.repeat(201)], turns: [] },
    /^error: line 4\.services: /,
  ],
];

describe('a faulty conversation is named by its line', () => {
  for (const [what, conversation, message] of faults) {
    it(`and by the file's own word for what is wrong, where it has ${what}`, async () => {
      const cwd = makeTempDirectory('cli');
      // A blank line counts as a line and is no conversation.
      const lines = [fine, '', { ...fine, id: 'second' }, conversation].map((line) =>
        line === '' ? '' : JSON.stringify(line),
      );
      writeFileSync(join(cwd, 'some.jsonl'), lines.join('\n'));
      const { code, stderr } = await runBin(['import', 'some.jsonl', '--database', 'sqlite::memory:'], {
        cwd,
      });
      expect(code).to.equal(1);
      expect(stderr)
        .to.match(message)
        .and.to.match(/^[^\n]+\n$/);
    });
  }
});

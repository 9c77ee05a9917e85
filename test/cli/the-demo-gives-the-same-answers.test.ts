import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describeOnDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';

const program = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url));

const answers = `  threads                                      1,000
  messages                                     15,668
  pages of 100 threads, the latest first       10
  fingerprint of all that was read             3a810ee9c4844269
  messages with vegetarian restaurant          3, first: Do they have vegetarian options there and how expensive is the restaurant?
  messages with CAFÉ                           13, first: Can I get a reservation at Andes Cafe?
  messages with 11:30 am                       19, first: At 11:30 am, if possible.
  messages with san jose                       77, first: Look around San Jose.
  messages with flight to paris                1, first: I am travelling from Paris to Seattle. Please search for flight based on this detail.
  messages with "'; drop table messages; --    0
  messages after 200 appends at once           200
  their numbers                                1 to 200, without a gap
  version after a change                       2
  a second change of the same reading          StaleEntityError, 1 is not 2
  its messages after it was deleted            0
  audit trail: ada creates a thread            7 fields
  audit trail: ada creates a message           9 fields
  audit trail: ada deletes a thread            7 fields
  audit trail: ada deletes a message           9 fields
  the trail, verified                          4 entries, sound
  threads                                      1,000
  messages                                     15,668
`;

async function runDemo(cwd: string, env: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(process.execPath, [program], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
  return stdout;
}

describe('the demo gives the same answers', function () {
  this.timeout(120_000);

  describeOnDatabase('sqlite-file', 'in a file of its own where nothing is set', () => {
    it('also the second time, when everything is there already', async () => {
      const cwd = makeTempDirectory('demo');
      const first = await runDemo(cwd, {});
      expect(first)
        .to.include(answers)
        .and.to.match(/1000\/1000 threads, 15,668 messages stored, 0 threads/);
      expect(first).to.match(
        /\nThe five queries that took the most time\n(?: {2}\S.* calls .* ms .*\n){5}\nThe pool\n {2}.* leaked\n/,
      );
      expect(first).to.match(/\nThe database lies here: sqlite \.\/\.data\/demo\.db\n$/);
      expect(existsSync(join(cwd, '.data', 'demo.db'))).to.equal(true);
      const second = await runDemo(cwd, {});
      expect(second)
        .to.include(answers)
        .and.to.match(/1000\/1000 threads, 0 messages stored, 1000 threads/);
    });
  });

  describeOnDatabase('postgres', 'on the database that DATABASE_URL names', (database) => {
    it('without printing its password', async () => {
      const url = await database.freshUrl();
      const printed = await runDemo(makeTempDirectory('demo'), { DATABASE_URL: url });
      expect(printed).to.include(answers);
      const { password, pathname } = new URL(url);
      expect(printed).to.include(`${pathname}\n`);
      if (password !== '') expect(printed).not.to.include(password);
    });
  });
});

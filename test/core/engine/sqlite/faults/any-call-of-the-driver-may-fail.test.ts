import { expect } from 'chai';
import { startProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { soakCount } from '../../../../support/engines.ts';

const program = new URL('nth-call-program.ts', import.meta.url);
/** At least one for each class of error that the library makes of them, and for what it waits out. */
const codes = [
  'SQLITE_FULL',
  'SQLITE_BUSY',
  'SQLITE_IOERR_FSYNC',
  'SQLITE_CORRUPT',
  'SQLITE_CANTOPEN',
  'SQLITE_READONLY',
  'SQLITE_NOMEM',
  'SQLITE_ERROR',
];
/** In a soak every call fails with every code, else with one of them. */
const rounds = Math.ceil((codes.length * soakCount(200)) / 200);

describeOnDatabase('sqlite-file', 'a call of the driver that fails, whichever it is,', () => {
  for (let round = 0; round < rounds; round += 1) {
    const order = [...codes.slice(round), ...codes.slice(0, round)];
    it(`is an error of ours, and the next work goes through (beginning with ${order[0]})`, async function () {
      this.timeout(120_000);
      const { ended, lines } = startProgram(program, order);
      expect(await ended).to.deep.equal({ code: 0, signal: null, stderr: '' });
      expect(lines.slice(0, -1), 'what was wrong, by the number of the call').to.deep.equal([]);
      console.log(`  ${lines.at(-1)} calls of the driver, each failed once`);
      expect(Number(lines.at(-1))).to.be.greaterThan(20);
    });
  }
});

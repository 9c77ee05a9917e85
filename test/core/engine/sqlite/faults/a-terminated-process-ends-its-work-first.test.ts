import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { checkLedger, noFaults } from '../../../../support/ack-ledger.ts';
import { startProgram, type ChildProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { makeLedgerFile, openLedger } from './open-ledger.ts';

const program = new URL('serving-program.ts', import.meta.url);
const writers = 8;

describeOnDatabase('sqlite-file', 'a process that is told to end under load', () => {
  let filename: string;

  beforeEach(async () => {
    filename = await makeLedgerFile();
  });

  const wordsOf = (child: ChildProgram, word: string) =>
    child.lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

  // The last operations may have been done without a moment left to say so.
  async function expectLedger(child: ChildProgram): Promise<void> {
    await using left = openLedger(filename);
    expect(await checkLedger(left, wordsOf(child, 'ack'), writers)).to.deep.equal(noFaults);
  }

  it('ends what is under way, refuses what comes later, leaves no log behind and ends with 0', async () => {
    const child = startProgram(program, [filename, '10000', String(writers)]);
    await child.line(40);
    const start = performance.now();
    child.kill('SIGTERM');
    expect(await child.ended).to.deep.equal({ code: 0, signal: null, stderr: '' });
    const took = performance.now() - start;
    console.log(`  ended ${took.toFixed(0)} ms after SIGTERM, under ${writers} writers`);
    expect(new Set(wordsOf(child, 'refused'))).to.deep.equal(new Set(['PoolClosedError']));
    expect(existsSync(`${filename}-wal`)).to.equal(false);
    await expectLedger(child);
  });

  it('cuts off at the deadline what does not end, which leaves nothing, and ends with 1', async () => {
    const deadline = 300;
    const child = startProgram(program, [filename, String(deadline), String(writers), 'stubborn']);
    while (!child.lines.includes('stubborn')) await child.line(child.lines.length);
    const start = performance.now();
    child.kill('SIGTERM');
    const { code, signal } = await child.ended;
    const took = performance.now() - start;
    expect({ code, signal }).to.deep.equal({ code: 1, signal: null });
    console.log(`  cut off ${took.toFixed(0)} ms after SIGTERM, at a deadline of ${deadline} ms`);
    expect(took).to.be.within(deadline - 1, 20_000);
    await expectLedger(child);
  });
});

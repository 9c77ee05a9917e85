import { expect } from 'chai';
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkLedger, noFaults } from '../../../../support/ack-ledger.ts';
import { startProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { soakCount } from '../../../../support/engines.ts';
import { integerBetween, pickSeed, seededRandom } from '../../../../support/seeded-random.ts';
import { makeTempDirectory } from '../../../../support/temp-directory.ts';
import { makeLedgerFile, openLedger } from './open-ledger.ts';
import type { WritingPlan } from './writing-program.ts';

const program = new URL('writing-program.ts', import.meta.url);

/**
 * SQLite takes the log up to the first frame that does not fit, without a word: that is how it recovers from
 * a torn write, and it cannot tell the one from the other. So a damaged log costs what stands behind the
 * damage, and what is left is a state that the database once had.
 */
describeOnDatabase('sqlite-file', 'the log of a writer that was killed', () => {
  const seed = pickSeed();
  const random = seededRandom(seed);
  let filename: string;
  let acknowledged: readonly string[];

  before(async () => {
    filename = await makeLedgerFile();
    const plan: WritingPlan = { filename, durability: 'full', writers: 1 };
    const writer = startProgram(program, [JSON.stringify(plan)]);
    await writer.line(60);
    writer.kill('SIGKILL');
    await writer.ended;
    acknowledged = [...writer.lines];
  });

  /** How many of the acknowledged operations a copy has lost whose log something was done to. */
  async function countLost(damage: (log: string) => void): Promise<number> {
    const copy = join(makeTempDirectory('log-copy'), 'ledger.db');
    for (const suffix of ['', '-wal']) copyFileSync(`${filename}${suffix}`, `${copy}${suffix}`);
    damage(`${copy}-wal`);
    await using provider = openLedger(copy);
    const { lost, ...rest } = await checkLedger(provider, acknowledged);
    expect({ ...rest, lost: [] }, `seed ${seed}`).to.deep.equal(noFaults);
    // One writer: what is lost are the last operations, and none between others that are there.
    expect(lost, `seed ${seed}`).to.deep.equal(acknowledged.slice(acknowledged.length - lost.length));
    return lost.length;
  }

  it('gives everything while it is sound', async () => {
    expect(await countLost(() => undefined)).to.equal(0);
  });

  it('with a flipped bit, or cut short, gives a state that the database once had', async function () {
    this.timeout(600_000);
    const size = readFileSync(`${filename}-wal`).length;
    let losing = 0;
    const count = soakCount(200);
    for (let done = 0; done < count; done += 1) {
      const at = integerBetween(random, 0, size);
      const lost = await countLost((log) => {
        if (done % 2 === 0) {
          truncateSync(log, at);
          return;
        }
        const content = readFileSync(log);
        content.writeUInt8(content.readUInt8(at) ^ (1 << integerBetween(random, 0, 8)), at);
        writeFileSync(log, content);
      });
      if (lost > 0) losing += 1;
    }
    console.log(`  damaged logs: ${losing} of ${count} cost acknowledged operations, none is half there`);
    expect(losing).to.be.greaterThan(0);
  });

  it('that was deleted costs what stood in it, and no more', async () => {
    expect(await countLost((log) => rmSync(log))).to.be.greaterThan(0);
  });
});

import { expect } from 'chai';
import { setTimeout as wait } from 'node:timers/promises';
import { checkLedger, noFaults, type LedgerFaults } from '../../../../support/ack-ledger.ts';
import { startProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { soakCount } from '../../../../support/engines.ts';
import { pickSeed, seededRandom } from '../../../../support/seeded-random.ts';
import { makeLedgerFile, openLedger } from './open-ledger.ts';
import type { WritingPlan } from './writing-program.ts';

const program = new URL('writing-program.ts', import.meta.url);
const kills = soakCount(200);
/** In ms after the first acknowledgement. */
const latestKill = 60;
/** How many operations are under way at once; many share a commit. */
const writers = [1, 2, 4, 16];

interface Kill {
  readonly acknowledged: number;
  readonly faults: LedgerFaults;
  /** How long it took to open what was left and to read from it, in ms. */
  readonly reopened: number;
}

/** Lets a process write, kills it `delay` ms after its first acknowledgement, and judges what is left. */
async function killWriter(plan: Omit<WritingPlan, 'filename'>, delay: number): Promise<Kill> {
  const filename = await makeLedgerFile();
  const writer = startProgram(program, [JSON.stringify({ ...plan, filename })]);
  await writer.line(0);
  await wait(delay);
  writer.kill('SIGKILL');
  expect((await writer.ended).signal).to.equal('SIGKILL');

  await using left = openLedger(filename);
  const start = performance.now();
  await left.query('select count(*) from parts');
  const reopened = performance.now() - start;
  const faults = await checkLedger(left, writer.lines, plan.writers);
  return { acknowledged: writer.lines.length, faults, reopened };
}

describeOnDatabase('sqlite-file', 'a writer that is killed', () => {
  for (const durability of ['full', 'normal'] as const) {
    it(`loses nothing that it acknowledged and leaves nothing half done (durability ${durability})`, async function () {
      this.timeout(600_000);
      const seed = pickSeed();
      const random = seededRandom(seed);
      const seen: Kill[] = [];
      for (let count = 0; count < kills / 2; count += 1) {
        const plan = { durability, writers: writers[count % writers.length] ?? 1 };
        const kill = await killWriter(plan, random() * latestKill);
        expect(kill.faults, `kill ${count} of seed ${seed}`).to.deep.equal(noFaults);
        seen.push(kill);
      }
      const acknowledged = seen.reduce((sum, kill) => sum + kill.acknowledged, 0);
      expect(acknowledged).to.be.greaterThan(seen.length);
      const slowest = Math.max(...seen.map((kill) => kill.reopened));
      console.log(
        `  ${durability}: ${seen.length} kills, ${acknowledged} acknowledged, 0 lost, 0 torn, reopened in ${slowest.toFixed(0)} ms at most`,
      );
    });
  }

  it('is found out where it acknowledges before the commit', async function () {
    this.timeout(60_000);
    const lost = await findFault('ack-early', (faults) => faults.lost);
    expect(lost).to.not.deep.equal([]);
  });

  it('is found out where an operation is no transaction', async function () {
    this.timeout(60_000);
    const torn = await findFault('no-transaction', (faults) => faults.torn);
    expect(torn).to.not.deep.equal([]);
  });
});

/** Kills writers with a fault until the ledger notices, but no more of them than the promise is tested with. */
async function findFault(
  fault: NonNullable<WritingPlan['fault']>,
  pick: (faults: LedgerFaults) => readonly string[],
): Promise<readonly string[]> {
  for (let count = 0; count < 20; count += 1) {
    const { faults } = await killWriter({ durability: 'full', writers: 4, fault }, count);
    if (pick(faults).length > 0) return pick(faults);
  }
  return [];
}

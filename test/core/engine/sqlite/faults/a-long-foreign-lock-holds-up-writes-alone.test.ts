import { expect } from 'chai';
import { setTimeout as wait } from 'node:timers/promises';
import { startProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { isSoak, soakCount } from '../../../../support/engines.ts';
import { watchEventLoop } from '../../../../support/event-loop.ts';
import { partOf } from '../../../../support/ack-ledger.ts';
import { makeLedgerFile, openLedger } from './open-ledger.ts';

const program = new URL('locking-program.ts', import.meta.url);
/** For how long it is held when the reads are through, in ms: the whole 3 s in a soak. */
const hold = soakCount(3_000);
const callers = 200;

describeOnDatabase('sqlite-file', 'a lock that another process holds for long', () => {
  it('lets reads go on, keeps the event loop turning, and holds up writes in their order and no longer', async function () {
    this.timeout(30_000);
    const filename = await makeLedgerFile();
    await using provider = openLedger(filename);
    await provider.initialize();
    const holder = startProgram(program, [filename]);
    await holder.line(0);

    let written = 0;
    const writes = Array.from({ length: callers }, async (_, index) => {
      await provider.db
        .insertInto('parts')
        .values(partOf(String(index), 0, 1))
        .execute();
      written += 1;
    });
    // A loop that waits in the driver would never come to tell the other process to let go.
    await Promise.all(
      Array.from({ length: callers }, () => provider.query('select sum(balance) from accounts')),
    );
    const loop = watchEventLoop();
    await wait(hold);
    const longestGap = loop.stop();
    expect(written).to.equal(0);
    holder.say('let go');
    await holder.line(1);
    const start = performance.now();
    await Promise.all(writes);
    const duration = performance.now() - start;
    await holder.ended;
    const stored = await provider.query<{ operation: string }>('select operation from parts order by rowid');
    expect(stored.map((row) => Number(row.operation))).to.deep.equal([...writes.keys()]);
    console.log(
      `  held ${hold} ms behind the last read: writes done ${duration.toFixed(0)} ms after the release; longest event-loop gap ${longestGap.toFixed(0)} ms`,
    );
    if (isSoak) {
      expect(longestGap).to.be.lessThan(hold / 2);
      expect(duration).to.be.lessThan(2_000);
    }
  });
});

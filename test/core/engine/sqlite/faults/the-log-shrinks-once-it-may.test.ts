import { expect } from 'chai';
import { sql } from 'kysely';
import { statSync } from 'node:fs';
import { checkLedger, noFaults, type LedgerDatabase } from '../../../../support/ack-ledger.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { soakCount } from '../../../../support/engines.ts';
import { makeLedgerFile, openLedger } from './open-ledger.ts';

const megabyte = 1024 * 1024;
/** The size that the log is cut back to, in MiB, as documented. */
const limit = 64;
/** In MiB: more than twice the limit in a soak. */
const written = soakCount(160);

describeOnDatabase('sqlite-file', 'the write-ahead log', () => {
  let filename: string;

  const logSize = () => statSync(`${filename}-wal`).size / megabyte;

  async function write(provider: LedgerDatabase, megabytes: number): Promise<void> {
    for (let count = 0; count < megabytes; count += 1) {
      await provider.exec('insert into fillings values (zeroblob(?))', [megabyte]);
    }
  }

  it('grows while a reader holds a snapshot, and is used anew or cut back once the reader has gone', async function () {
    this.timeout(120_000);
    filename = await makeLedgerFile();
    await using provider = openLedger(filename, { durability: 'normal' });
    await provider.exec('create table fillings (filling blob not null) strict');

    const held = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const reader = provider.transaction(
      async (tx) => {
        await sql`select count(*) from fillings`.execute(tx);
        held.resolve();
        await release.promise;
        const { rows } = await sql`select count(*) as n from fillings`.execute(tx);
        expect(rows, 'what the snapshot held').to.deep.equal([{ n: 0 }]);
      },
      { readOnly: true },
    );
    await held.promise;
    await write(provider, written);
    const grown = logSize();
    expect(grown).to.be.greaterThan(written);
    release.resolve();
    await reader;

    await write(provider, 10);
    const after = logSize();
    console.log(
      `  log: ${grown.toFixed(0)} MiB while a snapshot was held over ${written} MiB of writes, ${after.toFixed(0)} MiB after 10 MiB more`,
    );
    // One commit more stands behind the others; then the log that nobody reads is written from its start again.
    expect(after).to.be.lessThan(grown + 5);
    expect(after).to.be.at.most(2 * limit);
    expect(await checkLedger(provider, [])).to.deep.equal(noFaults);
  });

  it('stays small where nobody holds a snapshot', async function () {
    this.timeout(120_000);
    filename = await makeLedgerFile();
    await using provider = openLedger(filename, { durability: 'normal' });
    await provider.exec('create table fillings (filling blob not null) strict');
    await write(provider, written);
    expect(logSize()).to.be.lessThan(16);
  });
});

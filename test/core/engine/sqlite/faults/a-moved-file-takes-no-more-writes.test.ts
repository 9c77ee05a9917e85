import { expect } from 'chai';
import { copyFileSync, existsSync, renameSync, unlinkSync } from 'node:fs';
import { sql } from 'kysely';
import { DatabaseMovedError } from '../../../../../src/core/index.ts';
import {
  checkLedger,
  ledgerWrites,
  noFaults,
  writeAlone,
  type LedgerDatabase,
} from '../../../../support/ack-ledger.ts';
import { describeOnDatabase } from '../../../../support/database.ts';
import { until } from '../../../../support/until.ts';
import { makeLedgerFile, openLedger } from './open-ledger.ts';

/** How long writes may go on into a file that is gone, as documented, in ms. */
const noticeLimit = 1_000;

interface Opened {
  readonly filename: string;
  readonly provider: LedgerDatabase;
}

/** Writes, and says whether it was acknowledged; fails with any error but the one. */
async function isWritten(provider: LedgerDatabase, operation: string): Promise<boolean> {
  try {
    await writeAlone(provider, operation);
    return true;
  } catch (error) {
    expect(error).to.be.instanceOf(DatabaseMovedError);
    return false;
  }
}

describeOnDatabase('sqlite-file', 'a database file that is', () => {
  const opened: LedgerDatabase[] = [];

  async function open(): Promise<Opened> {
    const filename = await makeLedgerFile();
    const provider = openLedger(filename);
    opened.push(provider);
    await writeAlone(provider, 'before');
    return { filename, provider };
  }

  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())));

  /** Soon a write is refused, and from then on every way to write and to read is, again and again. */
  async function expectRefused({ provider }: Opened): Promise<void> {
    let count = 0;
    await until(async () => !(await isWritten(provider, `void ${(count += 1)}`)), noticeLimit);
    for (let again = 0; again < 2; again += 1) {
      const attempts = await Promise.allSettled([
        ...ledgerWrites.map((write) => write(provider, 'refused')),
        provider.exec('delete from parts'),
        provider.query('select count(*) from parts'),
        provider.db.selectFrom('parts').selectAll().execute(),
        provider.transaction((tx) => sql`select count(*) from parts`.execute(tx), { readOnly: true }),
      ]);
      for (const [index, attempt] of attempts.entries()) {
        const error: unknown = attempt.status === 'rejected' ? attempt.reason : undefined;
        expect(error, `attempt ${index}`).to.be.instanceOf(DatabaseMovedError);
      }
    }
  }

  it('deleted takes no more writes', async () => {
    const database = await open();
    unlinkSync(database.filename);
    await expectRefused(database);
  });

  it('moved away takes no more writes, and works again once it is back', async () => {
    const database = await open();
    const { filename, provider } = database;
    renameSync(filename, `${filename}.away`);
    await expectRefused(database);
    renameSync(`${filename}.away`, filename);
    await until(() => isWritten(provider, 'after'), noticeLimit);
    expect(await checkLedger(provider, ['before', 'after'])).to.deep.equal(noFaults);
    const refused = await provider.query("select * from parts where operation = 'refused'");
    expect(refused).to.deep.equal([]);
  });

  it('replaced by another takes no more writes, and closing it leaves the other one and its log alone', async () => {
    const database = await open();
    const { filename, provider } = database;
    await provider.query('pragma wal_checkpoint(truncate)');
    copyFileSync(filename, `${filename}.copy`);
    renameSync(`${filename}.copy`, filename);
    await expectRefused(database);
    for (const suffix of ['-wal', '-shm']) renameSync(`${filename}${suffix}`, `${filename}.away${suffix}`);
    await using other = openLedger(filename);
    await writeAlone(other, 'other');
    await provider.close();
    expect(existsSync(`${filename}-wal`)).to.equal(true);
    await writeAlone(other, 'after');
    expect(await checkLedger(other, ['before', 'other', 'after'], 0)).to.deep.equal(noFaults);
  });

  it('moved while writes go on acknowledges none of them after the first was refused', async () => {
    const { filename, provider } = await open();
    const outcomes: boolean[] = [];
    renameSync(filename, `${filename}.away`);
    await until(async () => {
      outcomes.push(await isWritten(provider, String(outcomes.length)));
      return !outcomes.at(-1);
    }, noticeLimit);
    for (let count = 0; count < 100; count += 1) {
      expect(await isWritten(provider, 'late'), `write ${count} after the first refusal`).to.equal(false);
    }
  });

  it('robbed of its log takes no more writes', async () => {
    const database = await open();
    expect(existsSync(`${database.filename}-wal`)).to.equal(true);
    unlinkSync(`${database.filename}-wal`);
    await expectRefused(database);
  });
});

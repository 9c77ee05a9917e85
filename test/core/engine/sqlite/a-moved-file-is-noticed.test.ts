import { expect } from 'chai';
import { sql } from 'kysely';
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import {
  DatabaseMovedError,
  DatabaseProviderFactory,
  PoolClosedError,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';

describeOnDatabase('sqlite-file', 'a file that is not where it was opened', (database) => {
  let provider: DatabaseProvider<unknown>;
  let filename: string;

  beforeEach(async () => {
    const url = await database.freshUrl();
    filename = url.slice('sqlite:'.length);
    provider = DatabaseProviderFactory.createProvider<unknown>(url);
    await provider.exec('create table notes (id integer primary key)');
    await provider.exec('insert into notes values (1)');
    await provider.query('select * from notes');
  });

  afterEach(() => provider.close());

  /** Writes until it is refused. @returns the refusal, and how long it took in ms */
  async function findOut(): Promise<{ error: unknown; after: number }> {
    const start = performance.now();
    let error: unknown;
    await until(async () => {
      error = await provider.exec('insert into notes values (null)').then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return error !== undefined;
    });
    return { error, after: performance.now() - start };
  }

  async function expectAllRefused(): Promise<void> {
    const { error, after } = await findOut();
    expect(error).to.be.instanceOf(DatabaseMovedError);
    // A look at the file holds good for 250 ms; a file that nobody looks at again would be written to for ever.
    expect(after).to.be.below(15_000);
    expect(await rejectionOf(provider.query('select * from notes'))).to.be.instanceOf(DatabaseMovedError);
    expect(await rejectionOf(provider.transaction((tx) => sql`select 1`.execute(tx)))).to.be.instanceOf(
      DatabaseMovedError,
    );
    const readOnly = provider.transaction((tx) => sql`select 1`.execute(tx), { readOnly: true });
    expect(await rejectionOf(readOnly)).to.be.instanceOf(DatabaseMovedError);
    expect(provider.stats()).to.include({ busy: 0 });
  }

  it('because it was deleted refuses reads and writes, and is not made anew', async () => {
    rmSync(filename);
    await expectAllRefused();
    expect(existsSync(filename)).to.equal(false);
  });

  it('because it was moved goes on once it is back', async () => {
    renameSync(filename, `${filename}.away`);
    await expectAllRefused();
    renameSync(`${filename}.away`, filename);
    await provider.exec('insert into notes values (100)');
    expect(await provider.query('select id from notes where id = 100')).to.deep.equal([{ id: 100 }]);
  });

  it('because another took its place is not mistaken for it', async () => {
    copyFileSync(filename, `${filename}.copy`);
    renameSync(`${filename}.copy`, filename);
    await expectAllRefused();
  });

  it('or whose write-ahead log is gone refuses as well', async () => {
    rmSync(`${filename}-wal`);
    await expectAllRefused();
  });

  it('but not because it was closed under somebody', async () => {
    const cutOff = Promise.withResolvers<void>();
    const work = rejectionOf(
      provider.transaction(async (tx) => {
        await sql`insert into notes values (null)`.execute(tx);
        await cutOff.promise;
        await sql`insert into notes values (null)`.execute(tx);
      }),
    );
    await until(() => provider.stats().busy === 1);
    await provider.close({ deadline: 0 });
    // A look at the file holds good for 250 ms.
    const end = performance.now() + 300;
    await until(() => performance.now() > end);
    cutOff.resolve();
    expect(await work).to.be.instanceOf(PoolClosedError);
  });
});

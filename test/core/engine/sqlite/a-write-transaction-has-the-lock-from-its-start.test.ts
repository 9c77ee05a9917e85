import { expect } from 'chai';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { soakCount } from '../../../support/engines.ts';

interface Tables {
  counters: { id: number; value: number };
}

describeOnDatabase('sqlite-file', 'a write transaction has the lock from its start', (database) => {
  it('so that what it has read is still true when it writes, whoever else writes to the file', async function () {
    this.timeout(60_000);
    const url = await database.freshUrl();
    await using one = DatabaseProviderFactory.createProvider<Tables>(url);
    await using other = DatabaseProviderFactory.createProvider<Tables>(url);
    await one.exec('create table counters (id integer primary key, value integer not null)');
    await one.exec('insert into counters values (1, 0)');
    const rounds = soakCount(200);
    // Each holds its transaction over some turns of the event loop, in which the other one wants to write.
    await Promise.all([one, other].map((provider) => countUp(provider, rounds)));
    const [row] = await one.query<{ value: number }>('select value from counters');
    expect(row?.value).to.equal(2 * rounds);
  });
});

async function countUp(provider: DatabaseProvider<Tables>, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await provider.transaction(async (tx) => {
      const { value } = await tx.selectFrom('counters').select('value').executeTakeFirstOrThrow();
      for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await tx
        .updateTable('counters')
        .set({ value: value + 1 })
        .execute();
    });
  }
}

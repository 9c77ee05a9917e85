import { expect } from 'chai';
import { UnitOfWork } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { accountsOf, makeAccount, openAudited, readTold, type AuditedDatabase } from './audited-fixture.ts';

describeOnEachDatabase('audited updates of loaded entities read nothing', (database) => {
  /** The statements of transactions: what was sent beside them is undefined. */
  const sent: (number | undefined)[] = [];
  let audited: AuditedDatabase;

  before(async () => {
    audited = await openAudited(await database.freshUrl(), {
      onStatement: ({ transaction }) => sent.push(transaction),
    });
  });
  after(() => audited.provider.close());

  it('so that one costs two statements more, and ten of one unit the same two; in a snapshot the heads are read beside them', async () => {
    const { provider } = audited;
    const plain = new UnitOfWork(provider, { repositories: { accounts: accountsOf } });
    const rows = Array.from({ length: 10 }, () => makeAccount());
    await audited.accounts.insertMany(rows);
    for (const [count, isolation] of [
      [1, 'read committed'],
      [10, 'read committed'],
      [1, 'serializable'],
      [10, 'serializable'],
    ] as const) {
      const costs: number[] = [];
      const beside: number[] = [];
      for (const unitOfWork of [plain, audited.unitOfWork]) {
        const ids = rows.slice(0, count).map(({ id }) => id);
        const work = (): Promise<void> =>
          unitOfWork.run(
            async ({ repositories: { accounts } }) => {
              for (const id of ids) {
                const account = await accounts.getById(id);
                await accounts.update({ ...account, seen: account.seen + 1 });
              }
            },
            { isolation },
          );
        // The first one prepares what is kept.
        await work();
        sent.length = 0;
        await work();
        beside.push(sent.filter((transaction) => transaction === undefined).length);
        costs.push(sent.length - beside.at(-1)!);
      }
      const [without, withAudit] = costs as [number, number];
      expect(withAudit - without).to.be.at.most(2);
      const isBeside = database.name === 'postgres' && isolation === 'serializable';
      expect(beside).to.deep.equal([0, isBeside ? 1 : 0]);
    }
  });

  it('and finds out where what was loaded is so no more', async () => {
    const account = await audited.accounts.insert(makeAccount({ seen: 1 }));
    const { last } = await readTold(audited);
    await audited.unitOfWork.run(async ({ repositories: { accounts }, db }) => {
      const touch = (set: { readonly seen?: number; readonly version?: number }): Promise<unknown> =>
        db.updateTable('accounts').set(set).where('id', '=', account.id).execute();
      const loaded = await accounts.getById(account.id);
      await touch({ seen: 2 });
      const updated = await accounts.update({ ...loaded, seen: 3 });
      await touch({ version: 5 });
      await accounts.update({ ...updated, seen: 4, version: 5 });
    });
    const { events } = await readTold(audited, last);
    expect(events.map(({ changes }) => changes)).to.deep.equal([
      [
        { field: 'seen', old: 2, new: 3 },
        { field: 'version', old: 1, new: 2 },
      ],
      [
        { field: 'seen', old: 3, new: 4 },
        { field: 'version', old: 5, new: 6 },
      ],
    ]);
  });
});

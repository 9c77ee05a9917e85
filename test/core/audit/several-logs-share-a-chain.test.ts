import { expect } from 'chai';
import { AuditLog } from '../../../src/core/audit/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { auditKeys, openAuditDatabase, readRows } from './audit-fixture.ts';

describeOnEachDatabase('several logs on one database', (database) => {
  it('append to one chain in one transaction, in the order of the calls', async () => {
    await using provider = await openAuditDatabase(await database.freshUrl());
    const one = new AuditLog(provider, { keys: auditKeys() });
    const other = new AuditLog(provider, { keys: auditKeys() });
    await provider.transaction((tx) => one.record(tx, { action: 'first' }));
    await provider.transaction(async (tx) => {
      await one.record(tx, { action: 'second' });
      await other.record(tx, { action: 'third' });
      await one.record(tx, { action: 'fourth' });
    });
    const rows = await readRows(provider);
    expect(rows.map(({ seq, action }) => [seq, action])).to.deep.equal([
      [1, 'first'],
      [2, 'second'],
      [3, 'third'],
      [4, 'fourth'],
    ]);
    expect(await other.verify()).to.include({ isSound: true, rows: 4 });
  });
});

import { expect } from 'chai';
import Database from 'better-sqlite3';
import { DatabaseProviderFactory, PoolClosedError } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { passMicrotasks } from '../../../support/microtasks.ts';
import { rejectionOf } from '../../../support/rejection.ts';

describeOnDatabase('sqlite-file', 'close keeps no file open', (database) => {
  it('where it has not waited for a slow opening', async () => {
    const url = await database.freshUrl();
    const holder = new Database(url.slice('sqlite:'.length));
    holder.exec('create table held (id integer); begin exclusive');
    const provider = DatabaseProviderFactory.createProvider<unknown>(url);
    const outcome = rejectionOf(provider.query('select 1 as one'));
    await provider.close({ deadline: 10 });
    holder.exec('commit');
    expect(await outcome).to.be.instanceOf(PoolClosedError);
    expect(provider.stats()).to.include({ size: 0, busy: 0, created: 0 });
    // SQLite leaves this mode only where no other connection has the file open.
    holder.pragma('journal_mode = WAL');
    expect(holder.pragma('journal_mode = DELETE', { simple: true })).to.equal('delete');
    holder.close();
  });

  it('at whatever moment of the opening it comes', async () => {
    for (let delay = 0; delay < 60; delay += 1) {
      const provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
      const outcome = provider.query('select 1 as one').catch((error: unknown) => error);
      await passMicrotasks(delay);
      await provider.close({ deadline: delay % 3 });
      await outcome;
      expect(provider.stats()).to.include({ size: 0, busy: 0 });
    }
  });
});

import { expect } from 'chai';
import { CompiledQuery } from 'kysely';
import { DatabaseProviderFactory, PoolClosedError, type PoolEvent } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

describeOnEachDatabase('closing', (database) => {
  it('goes from running by draining to closed; new work is refused at once, work under way ends', async () => {
    const events: PoolEvent[] = [];
    const provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl(), {
      onPoolEvent: (event) => events.push(event),
    });
    await provider.exec('create table notes (id bigint primary key)');
    const { promise: isAllowed, resolve: allow } = Promise.withResolvers<void>();
    const { promise: hasBegun, resolve: begin } = Promise.withResolvers<void>();
    const work = provider.transaction(async (tx) => {
      await tx.executeQuery(CompiledQuery.raw('select 1'));
      begin();
      await isAllowed;
      return (await tx.executeQuery(CompiledQuery.raw('select 2 as two'))).rows;
    });
    await hasBegun;
    expect(provider.stats()).to.include({ state: 'running', busy: 1 });
    const closed = provider.close();
    const closedAgain = provider.close({ deadline: 0 });
    expect(provider.stats().state).to.equal('draining');
    expect(await rejectionOf(provider.query('select 1'))).to.be.instanceOf(PoolClosedError);
    let isOver = false;
    void closedAgain.then(() => (isOver = true));
    await new Promise(setImmediate);
    expect(isOver, 'the second close waits for the first').to.equal(false);
    allow();
    expect(await work).to.deep.equal([{ two: 2 }]);
    await Promise.all([closed, closedAgain]);
    expect(provider.stats()).to.include({ state: 'closed', size: 0, busy: 0, idle: 0, waiting: 0 });
    const { created, retired } = provider.stats();
    expect(retired).to.equal(created);
    const count = (type: PoolEvent['type']) => events.filter((event) => event.type === type).length;
    expect({ created: count('created'), retired: count('retired') }).to.deep.equal({ created, retired });
  });
});

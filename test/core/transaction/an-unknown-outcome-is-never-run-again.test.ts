import { expect } from 'chai';
import { CommitOutcomeUnknownError, ConnectionError, DeadlockError } from '../../../src/core/index.ts';
import { postgresEngine } from '../../../src/core/engine/postgres/postgres-engine.ts';
import { sqliteEngine } from '../../../src/core/engine/sqlite/sqlite-engine.ts';
import { withFaults, type DriverCall } from '../../../src/core/testing/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openUnits, scored, type Units } from './units.ts';

describeOnEachDatabase('an unknown outcome is never run again', (database) => {
  let units: Units;
  let isBroken = false;

  function inject({ kind }: DriverCall): void {
    if (kind !== 'statement' || !isBroken) return;
    isBroken = false;
    throw new DeadlockError('a fault of the test');
  }

  before(async () => {
    units = await openUnits(database, {
      engines: [withFaults(sqliteEngine, inject), withFaults(postgresEngine, inject)],
    });
  });
  after(() => units.provider.close());

  it('also where a failure that would be one to run again was swallowed before, or wraps it', async () => {
    const unknown = () =>
      new CommitOutcomeUnknownError('unknown', {
        xid: undefined,
        cause: new ConnectionError('a fault of the test'),
      });
    for (const makeError of [
      unknown,
      () => new Error('mine', { cause: unknown() }),
      () => new DeadlockError('mine', { cause: unknown() }),
    ]) {
      let attempts = 0;
      isBroken = true;
      const mine = makeError();
      const outcome = units.unitOfWork.run(
        async ({ repositories: { things } }) => {
          attempts += 1;
          await rejectionOf(things.insert(scored(1)));
          throw mine;
        },
        { retry: { baseDelay: 0.1, maxDelay: 0.1 } },
      );
      expect(await rejectionOf(outcome)).to.equal(mine);
      expect(attempts).to.equal(1);
    }
    expect(await units.scores()).to.deep.equal([]);
  });

  it('also where the part of a unit that met it was swallowed', async () => {
    let attempts = 0;
    const outcome = units.unitOfWork.run(async () => {
      attempts += 1;
      const joined = units.unitOfWork.run(
        async () => {
          throw new CommitOutcomeUnknownError('unknown', { xid: undefined });
        },
        { propagation: 'join' },
      );
      await rejectionOf(joined);
      throw new DeadlockError('mine');
    });
    expect(await rejectionOf(outcome)).to.be.instanceOf(DeadlockError);
    expect(attempts).to.equal(1);
  });
});

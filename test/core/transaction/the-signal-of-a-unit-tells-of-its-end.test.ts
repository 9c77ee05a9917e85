import { expect } from 'chai';
import { TransactionClosedError } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openUnits, scored, type Units } from './units.ts';

describeOnEachDatabase('the signal of a unit tells of its end', (database) => {
  let units: Units;

  before(async () => {
    units = await openUnits(database);
  });
  after(() => units.provider.close());

  it('also one that is asked for late', async () => {
    const mine = new Error('mine');
    let unit: { readonly signal: AbortSignal } | undefined;
    await rejectionOf(
      units.unitOfWork.run(async (running) => {
        unit = running;
        throw mine;
      }),
    );
    expect(unit?.signal).to.include({ aborted: true, reason: mine });
    await units.unitOfWork.run(async (running) => {
      unit = running;
    });
    expect(unit?.signal.aborted).to.equal(false);
  });

  it('that of a nested unit which was kept tells of the end of what is around it', async () => {
    const mine = new Error('mine');
    for (const isKept of [true, false]) {
      const signals: AbortSignal[] = [];
      let late: { readonly signal: AbortSignal } | undefined;
      let seen: unknown;
      const outcome = units.unitOfWork.run(async () => {
        await units.unitOfWork.run(async (nested) => {
          signals.push(nested.signal);
          nested.signal.addEventListener('abort', () => {
            seen = rejectionOf(nested.repositories.things.insert(scored(1)));
          });
          late = nested;
          await units.unitOfWork.run(async (innermost) => void signals.push(innermost.signal));
        });
        expect(signals.map(({ aborted }) => aborted)).to.deep.equal([false, false]);
        if (!isKept) throw mine;
      });
      await Promise.allSettled([outcome]);
      for (const { aborted, reason: told } of [...signals, late!.signal])
        expect({ aborted, told }).to.deep.equal({ aborted: !isKept, told: isKept ? undefined : mine });
      if (!isKept) expect(await seen).to.be.instanceOf(TransactionClosedError);
    }
  });
});

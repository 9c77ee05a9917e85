import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { describeOnEachDatabase } from '../../support/database.ts';
import { passMicrotasks } from '../../support/microtasks.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { createThingRepository } from '../repository/things.ts';
import { openUnits, scored, type Units } from './units.ts';

/** How many microtasks a unit on a warm connection has at most where nothing is on the wire. */
const microtasks = 40;

/** How many turns of the event loop pass before the microtasks: by then something is on the wire, and may come back. */
const turns = [0, 1];

describeOnEachDatabase('a signal may come at any moment', (database) => {
  let units: Units;
  const reason = new Error('no longer needed');
  /** The score of the row that was written last. */
  let latest = 0;

  before(async () => {
    units = await openUnits(database);
    await units.scores();
  });
  after(() => units.provider.close());

  /** By turns of the event loop: there are thousands of moments. */
  async function idle(): Promise<void> {
    const end = performance.now() + 2_000;
    while (units.provider.stats().busy > 0 && performance.now() < end)
      await new Promise((resolve) => setImmediate(resolve));
    expect(units.provider.stats()).to.include({ busy: 0, waiting: 0 });
  }

  /** Each way to write one row under a signal. What rejects by the signal must not have written it. */
  const ways: Record<string, (signal: AbortSignal, score: number) => Promise<unknown>> = {
    'a unit': (signal, score) =>
      units.unitOfWork.run(({ repositories: { things } }) => things.insert(scored(score)), { signal }),
    'a unit with a time limit': (signal, score) =>
      units.unitOfWork.run(({ repositories: { things } }) => things.insert(scored(score)), {
        signal,
        timeout: 60_000,
      }),
    'provider.transaction': (signal, score) =>
      units.provider.transaction((tx) => tx.insertInto('things').values(scored(score)).execute(), { signal }),
    'a nested unit': async (signal, score) => {
      let nested: Promise<unknown> | undefined;
      await units.unitOfWork.run(async () => {
        nested = units.unitOfWork.run(({ repositories: { things } }) => things.insert(scored(score)), {
          signal,
        });
        await Promise.allSettled([nested]);
      });
      await nested;
    },
    'a joined unit': async (signal, score) => {
      let joined: Promise<unknown> | undefined;
      const outer = units.unitOfWork.run(async () => {
        joined = units.unitOfWork.run(({ repositories: { things } }) => things.insert(scored(score)), {
          signal,
          propagation: 'join',
        });
        await Promise.allSettled([joined]);
      });
      // What is around it is told as well: nothing of the whole is kept.
      const [settled] = await Promise.allSettled([outer]);
      await joined;
      expect(settled.status).to.equal('fulfilled');
    },
    'an explicit unit': async (signal, score) => {
      await using unit = await units.unitOfWork.begin({ signal });
      await unit.repositories.things.insert(scored(score));
      await unit.commit();
    },
    'the begin of an explicit unit': async (signal, score) => {
      const unit = await units.unitOfWork.begin({ signal });
      await unit.rollback();
      // Else it would be told of as kept.
      await createThingRepository(units.provider).insert(scored(score));
    },
  };

  for (const [way, write] of Object.entries(ways)) {
    it(`in ${way}: whoever was let go finds nothing, and leaves nothing behind`, async () => {
      for (const turn of turns) {
        for (let moment = 0; moment < microtasks; moment += 1) {
          const controller = new AbortController();
          latest += 1;
          const outcome = write(controller.signal, latest).then(
            () => 'kept',
            () => 'let go',
          );
          for (let passed = 0; passed < turn; passed += 1)
            await new Promise((resolve) => setImmediate(resolve));
          await passMicrotasks(moment);
          controller.abort(reason);
          const told = await outcome;
          await idle();
          const stored = await units.provider.query('select 1 as one from things where score = ?', [latest]);
          expect(stored.length, `behind ${turn} turns and ${moment} microtasks`).to.equal(
            told === 'kept' ? 1 : 0,
          );
          expect(getEventListeners(controller.signal, 'abort')).to.have.length(0);
        }
      }
      // And a later write finds its connection.
      await createThingRepository(units.provider).insert(scored(latest));
    }).timeout(60_000);
  }

  it('in the begin of an explicit unit whose connection comes too late', async () => {
    for (let moment = 0; moment < microtasks; moment += 1) {
      const holder = await units.unitOfWork.begin();
      const controller = new AbortController();
      const outcome = rejectionOf(
        units.unitOfWork.begin({ signal: controller.signal }).then((unit) => unit.rollback()),
      );
      const end = holder.rollback();
      await passMicrotasks(moment);
      controller.abort(reason);
      await Promise.allSettled([outcome, end]);
      await idle();
    }
    await createThingRepository(units.provider).insert(scored(latest));
  });
});

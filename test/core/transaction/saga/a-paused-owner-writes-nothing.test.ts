/** F35: the owner of a saga is stopped past its lease, another process takes over, the first one wakes. */
import { expect } from 'chai';
import { SagaRecords, SagaRunner } from '../../../../src/core/index.ts';
import { startProgram } from '../../../support/child-program.ts';
import { describeOnDatabase, type TestDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { effectsOf, migrateSagas, openSagaDatabase, shortLease } from './saga-harness.ts';
import { expectedEffects, sagaOfFive } from './saga-of-five.ts';

const program = new URL('./saga-program.ts', import.meta.url);

function declare(title: string, body: (database: TestDatabase) => void): void {
  describeOnDatabase('sqlite-file', title, body);
  describeOnDatabase('postgres', title, body);
}

declare('an owner that was paused past its lease', (database) => {
  for (const holdAt of ['after three', 'before undoing two']) {
    it(`writes nothing when it wakes up ${holdAt}`, async function () {
      this.timeout(60_000);
      const fails = holdAt.includes('undoing');
      const url = await database.freshUrl();
      await using provider = openSagaDatabase(url);
      await migrateSagas(provider);
      const records = new SagaRecords(provider);
      const saga = sagaOfFive(provider);
      const id = crypto.randomUUID();
      const plan = { url, id, fails, leaseDuration: shortLease, holdAt };
      const paused = startProgram(program, [JSON.stringify(plan)]);
      await paused.line(0);
      paused.kill('SIGSTOP');

      await using runner = new SagaRunner(provider, { sagas: [saga], leaseDuration: shortLease });
      const { completed, compensated } = await runner.resume();
      expect(completed + compensated).to.equal(1);
      const journal = async () => [
        await provider.db.selectFrom('sagas').selectAll().execute(),
        await provider.db
          .selectFrom('saga_steps')
          .selectAll()
          .orderBy('direction')
          .orderBy('position')
          .execute(),
      ];
      const before = await journal();

      paused.say('go on');
      paused.kill('SIGCONT');
      await paused.ended;
      expect(paused.lines[1]).to.equal('LeaseLostError');
      expect(await journal()).to.deep.equal(before);
      expect(await effectsOf(provider, id)).to.deep.equal(expectedEffects(fails));
      expect((await records.show(id)).status).to.equal(fails ? 'compensated' : 'completed');
    });
  }

  it('is not robbed while it lives, however long its step takes', async function () {
    this.timeout(60_000);
    // Longer than a busy machine keeps the owner from beating.
    const leaseDuration = 1_200;
    const url = await database.freshUrl();
    await using provider = openSagaDatabase(url);
    await migrateSagas(provider);
    const saga = sagaOfFive(provider);
    const plan = {
      url,
      id: crypto.randomUUID(),
      fails: false,
      leaseDuration,
      holdAt: 'before three',
    };
    const owner = startProgram(program, [JSON.stringify(plan)]);
    await owner.line(0);
    const taken: string[] = [];
    await using runner = new SagaRunner(provider, {
      sagas: [saga],
      leaseDuration,
      onEvent: ({ type }) => taken.push(type),
    });
    runner.start();
    const heartbeat = async () =>
      (await provider.db.selectFrom('sagas').select('heartbeat').executeTakeFirstOrThrow()).heartbeat;
    // Four signs of life fall into a lease: these are two leases.
    const end = (await heartbeat()) + 8;
    await until(async () => (await heartbeat()) >= end, 30_000);
    owner.say('go on');
    await owner.ended;
    expect(owner.lines[1]).to.equal('completed');
    expect(taken).to.deep.equal([]);
  });
});

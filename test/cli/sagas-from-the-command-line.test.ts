import { expect } from 'chai';
import { SagaRunner, defineSaga, uncheckedInput } from '../../src/core/index.ts';
import {
  migrateSagas,
  onlySaga,
  openSagaDatabase,
  type SagaTestDatabase,
} from '../core/transaction/saga/saga-harness.ts';
import { describeOnDatabase, type TestDatabase } from '../support/database.ts';
import { rejectionOf } from '../support/rejection.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runHere } from './run-bin.ts';

function describeOnLasting(title: string, body: (database: TestDatabase) => void): void {
  describeOnDatabase('sqlite-file', title, body);
  describeOnDatabase('postgres', title, body);
}

/** Whether undoing works; the code of the application, which the command line does not have. */
function refund(works: boolean) {
  return defineSaga({
    name: 'refund',
    input: uncheckedInput<{ card: string }>(),
    steps: [
      {
        name: 'pay',
        retry: { compensationAttempts: 2, baseDelay: 1, maxDelay: 1 },
        run: () => 1,
        compensate() {
          if (!works) throw new Error('the bank is closed');
        },
      },
      {
        name: 'book',
        run() {
          throw new RangeError('no such account');
        },
      },
    ],
  });
}

async function makeStuck(provider: SagaTestDatabase): Promise<string> {
  const saga = refund(false);
  await using runner = new SagaRunner(provider, { sagas: [saga] });
  await rejectionOf(runner.run(saga, { card: '4111' }));
  return (await onlySaga(provider)).id;
}

describeOnLasting('sagas from the command line', (database) => {
  it('are listed, shown, let go on and closed by hand, without their code', async function () {
    this.timeout(60_000);
    const url = await database.freshUrl();
    await using provider = openSagaDatabase(url);
    await migrateSagas(provider);
    const id = await makeStuck(provider);
    const saga = (...args: string[]) => runHere(['saga', ...args, '--database', url]);

    const [listed, none, shown, asJson] = await Promise.all([
      saga('list', '--status', 'stuck'),
      saga('list', '--status', 'completed'),
      saga('show', id),
      saga('show', id, '--json'),
    ]);
    expect(listed.code, listed.stderr).to.equal(0);
    expect(listed.stdout).to.match(
      new RegExp(`^${id}  refund v1  stuck  \\S+Z  at pay \\(compensation-failed\\)\\n$`),
    );
    expect(none.stdout).to.equal('No such saga.\n');
    expect(shown.stdout).to.contain('stuck at pay: The compensation failed 2 times: the bank is closed');
    expect(shown.stdout).to.contain(
      'do    book  failed  1 attempts, 1 failed, 0 crashed; RangeError: no such account',
    );
    // The input may hold what a terminal should not show; it is in the document for programs.
    expect(shown.stdout).not.to.contain('4111');
    const document = JSON.parse(asJson.stdout) as {
      readonly saga: { readonly input: unknown; readonly stuck: { readonly step: string } };
    };
    expect(document.saga.input).to.deep.equal({ card: '4111' });
    expect(document.saga.stuck.step).to.equal('pay');

    expect((await saga('resume', id)).stdout).to.contain(`Saga ${id} is compensating again`);
    const works = refund(true);
    await using runner = new SagaRunner(provider, { sagas: [works] });
    expect(await runner.resume()).to.include({ compensated: 1 });
    const again = await saga('resume', id);
    expect([again.code, again.stderr]).to.deep.equal([
      1,
      'error: Only a stuck saga can be tried again; this one is compensated.\n',
    ]);
  });
});

// What differs between engines is seen above; a process of its own for each verb is slow.
describeOnDatabase('sqlite-file', 'stuck sagas', (database) => {
  it('are resolved with a note', async function () {
    this.timeout(60_000);
    const url = await database.freshUrl();
    await using provider = openSagaDatabase(url);
    await migrateSagas(provider);
    const id = await makeStuck(provider);
    const saga = (...args: string[]) => runHere(['saga', ...args, '--database', url]);
    const misused = await Promise.all([
      saga('resolve', id),
      saga('list', '--limit', '0'),
      saga('show', crypto.randomUUID()),
    ]);
    expect(misused.map(({ code }) => code)).to.deep.equal([2, 2, 1]);
    expect((await saga('resolve', id, '--note', 'paid back by hand')).stdout).to.equal(
      `Saga ${id} is resolved.\n`,
    );
    expect((await onlySaga(provider)).note).to.equal('paid back by hand');
  });
});

describe('sagas of a database that is not there', () => {
  it('are not looked for in a new one', async () => {
    const { code, stderr } = await runHere([
      'saga',
      'list',
      '--database',
      `sqlite:${makeTempDirectory('none')}/no.db`,
    ]);
    expect([code, stderr]).to.satisfy(() => code === 1 && stderr.includes('There is no database file'));
  });
});

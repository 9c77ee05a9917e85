/** Who starts a runner or a saga may be inside of a transaction; what goes on by itself is not a part of it. */
import { expect } from 'chai';
import { SagaRunner, defineSaga, type Logger, type SagaFailedError } from '../../../../src/core/index.ts';
import { describeOnDatabase, type TestDatabase } from '../../../support/database.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { effect, effectsOf, migrateSagas, onlySaga, openSagaDatabase } from './saga-harness.ts';

function declare(database: TestDatabase): void {
  const undo = new Error('the unit of work is undone');

  it('a runner that was started within one goes on when that is undone', async () => {
    await using provider = openSagaDatabase(await database.freshUrl());
    await migrateSagas(provider);
    const saga = defineSaga({ name: 'left', steps: [{ name: 'only', run: () => 1 }] });
    // Leaves one behind that nobody carries on.
    const other = new SagaRunner(provider, { sagas: [saga] });
    await other.run(saga, undefined);
    await other.close();

    const warned: unknown[] = [];
    const warn = ({ error }: { readonly error?: unknown }) => void warned.push(error);
    const logger: Logger = { debug() {}, info() {}, warn, error() {} };
    await using runner = new SagaRunner(provider, { sagas: [saga], logger, pollInterval: 10 });
    const error = await rejectionOf(
      provider.transaction(async () => {
        runner.start();
        throw undo;
      }),
    );
    expect(error).to.equal(undo);
    await provider.db.updateTable('sagas').set({ status: 'running', finished_at: null }).execute();
    await until(async () => (await onlySaga(provider)).finishedAt !== undefined);
    expect(warned).to.deep.equal([]);
  });

  it('the steps of a saga do not belong to the transaction of another database around its start', async () => {
    await using provider = openSagaDatabase(await database.freshUrl());
    await using journal = openSagaDatabase(`sqlite:${makeTempDirectory('saga')}/journal.db`);
    await migrateSagas(provider);
    await migrateSagas(journal);
    const begun = Promise.withResolvers<void>();
    const going = Promise.withResolvers<void>();
    const saga = defineSaga({
      name: 'elsewhere',
      steps: [
        {
          name: 'write',
          async run({ idempotencyKey }) {
            begun.resolve();
            await going.promise;
            await effect(provider, idempotencyKey, 'write');
          },
        },
      ],
    });
    await using runner = new SagaRunner(journal, { sagas: [saga] });
    const id = crypto.randomUUID();
    let outcome: Promise<unknown> | undefined;
    const error = await rejectionOf(
      provider.transaction(async () => {
        outcome = runner.run(saga, undefined, { id });
        outcome.catch(() => undefined);
        await begun.promise;
        throw undo;
      }),
    );
    expect(error).to.equal(undo);
    going.resolve();
    await outcome?.catch((thrown: unknown) => {
      throw (thrown as SagaFailedError).cause;
    });
    expect(await effectsOf(provider, id)).to.deep.equal(['write']);
  });
}

describeOnDatabase('sqlite-file', 'what a saga does stands outside of transactions', declare);
describeOnDatabase('postgres', 'what a saga does stands outside of transactions', declare);

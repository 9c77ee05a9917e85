/** Names, inputs, callbacks and handles that are unusual and yet allowed. */
import { CamelCasePlugin, ParseJSONResultsPlugin } from 'kysely';
import { expect } from 'chai';
import {
  DatabaseProviderFactory,
  IdempotencyMismatchError,
  SagaFailedError,
  SagaInterruptedError,
  SagaRecords,
  SagaRunner,
  defineSaga,
  uncheckedInput,
  type Logger,
} from '../../../../src/core/index.ts';
import type { StandardSchema } from '../../../../src/core/domain/index.ts';
import { describeOnDatabase, describeOnEachDatabase, type TestDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { migrateSagas, openSagaDatabase, type SagaTestDatabase } from './saga-harness.ts';

describeOnEachDatabase('a saga minds what it is given', (database) => {
  let provider: SagaTestDatabase;

  beforeEach(async () => {
    provider = openSagaDatabase(await database.freshUrl());
    await migrateSagas(provider);
  });
  afterEach(() => provider.close());

  it('steps that are called as members of every object', async () => {
    const results: unknown[] = [];
    const step = <Name extends string>(name: Name) => ({
      name,
      run() {
        throw new Error(`${name} fails`);
      },
      compensate: ({ result }: { readonly result: unknown }) => void results.push(result),
    });
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      const saga = defineSaga({ name, steps: [step(name)] });
      await using runner = new SagaRunner(provider, { sagas: [saga] });
      expect(await rejectionOf(runner.run(saga, undefined))).to.be.instanceOf(SagaFailedError);
    }
    expect(results).to.deep.equal([undefined, undefined, undefined]);
  });

  it('a retryable that throws: the step has failed for good, with its own error', async () => {
    let runs = 0;
    const saga = defineSaga({
      name: 'picky',
      steps: [
        {
          name: 'only',
          retry: {
            attempts: 3,
            retryable() {
              throw new TypeError('this is a fault of retryable');
            },
          },
          run() {
            runs += 1;
            throw new RangeError('this is the fault of the step');
          },
        },
      ],
    });
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const error = await rejectionOf(runner.run(saga, undefined));
    expect(error).to.be.instanceOf(SagaFailedError);
    expect((error as SagaFailedError).cause).to.be.instanceOf(RangeError);
    expect(runs).to.equal(1);
  });

  it('a listener that rejects later: it is logged and ends no process', async () => {
    const logged: unknown[] = [];
    const log = (fields: object) => void logged.push((fields as { readonly error: Error }).error.message);
    const logger: Logger = { debug() {}, info() {}, warn() {}, error: log };
    const saga = defineSaga({ name: 'heard', steps: [{ name: 'only', run: () => 1 }] });
    await using runner = new SagaRunner(provider, {
      sagas: [saga],
      logger,
      onEvent: async ({ type }) => {
        if (type === 'completed') throw new Error('cannot listen');
      },
    });
    await runner.run(saga, undefined);
    await until(() => logged.length > 0);
    expect(logged).to.deep.equal(['cannot listen']);
  });

  it('no input, which is another one than null', async () => {
    const saga = defineSaga({
      name: 'empty',
      input: uncheckedInput<null | undefined>(),
      steps: [{ name: 'only', run: ({ input }) => (input === null ? 'null' : 'none') }],
    });
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const options = { idempotencyKey: 'key' };
    expect(await runner.run(saga, undefined, options)).to.deep.equal({ only: 'none' });
    expect(await rejectionOf(runner.run(saga, null, options))).to.be.instanceOf(IdempotencyMismatchError);
  });

  it('a schema that takes its time: nothing is begun once the runner has closed', async () => {
    const checking = Promise.withResolvers<void>();
    const checked = Promise.withResolvers<{ readonly value: unknown }>();
    const slow: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate() {
          checking.resolve();
          return checked.promise;
        },
      },
    };
    const saga = defineSaga({ name: 'slow', input: slow, steps: [{ name: 'only', run: () => 1 }] });
    const runner = new SagaRunner(provider, { sagas: [saga] });
    const run = rejectionOf(runner.run(saga, 1));
    await checking.promise;
    await runner.close();
    checked.resolve({ value: 1 });
    expect(await run).to.be.instanceOf(SagaInterruptedError);
    expect(await new SagaRecords(provider).list()).to.deep.equal([]);
  });

  it('no sagas at all: nothing is looked for', async () => {
    await using runner = new SagaRunner(provider, { sagas: [] });
    expect(await runner.resume()).to.deep.equal({ completed: 0, compensated: 0, stuck: 0, left: 0 });
  });
});

function onPlugins(database: TestDatabase): void {
  it('whatever they do to columns and JSON', async () => {
    const url = await database.freshUrl();
    await using plain = openSagaDatabase(url);
    await migrateSagas(plain);
    await using renaming = DatabaseProviderFactory.createProvider(url, {
      plugins: [new CamelCasePlugin(), new ParseJSONResultsPlugin()],
    });
    const saga = defineSaga({
      name: 'renamed',
      input: uncheckedInput<{ a_b: number }>(),
      steps: [
        { name: 'first_step', run: ({ input }) => ({ c_d: input.a_b }) },
        {
          name: 'second',
          run({ results, input }) {
            if (input.a_b < 0) throw new Error('negative');
            return results.first_step.c_d;
          },
        },
      ],
    });
    await using runner = new SagaRunner(renaming, { sagas: [saga] });
    const id = crypto.randomUUID();
    expect(await runner.run(saga, { a_b: 7 }, { id })).to.deep.equal({ first_step: { c_d: 7 }, second: 7 });
    expect(await rejectionOf(runner.run(saga, { a_b: -1 }))).to.include({ status: 'compensated' });
    const { input, steps, createdAt } = await new SagaRecords(renaming).show(id);
    expect([input, steps.length, createdAt > 0]).to.deep.equal([{ a_b: 7 }, 2, true]);
  });
}

// What is in memory belongs to one provider alone.
describeOnDatabase('sqlite-file', 'a saga minds the plugins of its provider', onPlugins);
describeOnDatabase('postgres', 'a saga minds the plugins of its provider', onPlugins);

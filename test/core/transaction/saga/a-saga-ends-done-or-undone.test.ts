import { expect } from 'chai';
import {
  NotFoundError,
  OutsideTransactionError,
  SagaFailedError,
  SagaInterruptedError,
  SagaRecords,
  SagaRunner,
  SagaStepTimeoutError,
  ValidationError,
  defineSaga,
  isLiminalDataError,
  uncheckedInput,
  type SagaEvent,
} from '../../../../src/core/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../../support/database.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import {
  effect,
  effectsOf,
  migrateSagas,
  onlySaga,
  openSagaDatabase,
  type SagaTestDatabase,
} from './saga-harness.ts';

const quick = { baseDelay: 1, maxDelay: 2 };

describeOnEachDatabase('a saga', (database) => {
  let provider: SagaTestDatabase;
  let calls: string[];

  beforeEach(async () => {
    provider = openSagaDatabase(await database.freshUrl());
    await migrateSagas(provider);
    calls = [];
  });
  afterEach(() => provider.close());

  /** Three steps; `failing` says which of them throw, such as `charge` or `undo reserve`. */
  function order(failing: readonly string[] = []) {
    const call = (name: string) => {
      calls.push(name);
      if (failing.includes(name)) throw new TypeError(`${name} does not work`);
    };
    return defineSaga({
      name: 'order',
      input: uncheckedInput<{ total: number }>(),
      steps: [
        {
          name: 'reserve',
          retry: quick,
          run({ input }) {
            call('reserve');
            return { place: input.total + 1 };
          },
          compensate: ({ result }) => call(`undo reserve ${result?.place}`),
        },
        { name: 'note', run: () => call('note') },
        {
          name: 'charge',
          retry: { ...quick, attempts: 2, compensationAttempts: 3 },
          run({ results, idempotencyKey, sagaId }) {
            call('charge');
            return [results.reserve.place, idempotencyKey === `${sagaId}:charge`];
          },
          compensate: ({ result }) => call(`undo charge ${JSON.stringify(result)}`),
        },
        { name: 'mail', run: () => call('mail') },
      ],
    });
  }

  it('gives the results of its steps, each of which knows those before it', async () => {
    const saga = order();
    const events: SagaEvent[] = [];
    await using runner = new SagaRunner(provider, { sagas: [saga], onEvent: (event) => events.push(event) });
    const results = await runner.run(saga, { total: 1 });
    expect(results).to.deep.equal({
      reserve: { place: 2 },
      note: undefined,
      charge: [2, true],
      mail: undefined,
    });
    expect(calls).to.deep.equal(['reserve', 'note', 'charge', 'mail']);
    expect(await onlySaga(provider)).to.include({ status: 'completed', owner: undefined });
    const told = events.map(({ type, step }) => (step === undefined ? type : `${type} ${step}`));
    expect(told).to.deep.equal([
      'started',
      'step-done reserve',
      'step-done note',
      'step-done charge',
      'step-done mail',
      'completed',
    ]);
  });

  it('undoes in reverse what may have happened, the failed step first', async () => {
    const saga = order(['charge']);
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const error = await rejectionOf(runner.run(saga, { total: 1 }));
    expect(error).to.be.instanceOf(SagaFailedError);
    expect(error).to.include({ step: 'charge', status: 'compensated' });
    expect((error as SagaFailedError).cause).to.be.instanceOf(TypeError);
    expect((error as SagaFailedError).undone).to.deep.equal(['charge', 'reserve']);
    expect((error as SagaFailedError).notUndone).to.deep.equal([]);
    expect(calls).to.deep.equal([
      'reserve',
      'note',
      'charge',
      'charge',
      'undo charge undefined',
      'undo reserve 2',
    ]);
    const { status, failedStep, steps } = await onlySaga(provider);
    expect([status, failedStep]).to.deep.equal(['compensated', 'charge']);
    expect(steps.map(({ direction, name, state }) => `${direction} ${name} ${state}`)).to.deep.equal([
      'forward reserve done',
      'forward note done',
      'forward charge failed',
      'backward charge done',
      'backward reserve done',
    ]);
    expect(steps[2]?.error).to.deep.equal({
      name: 'TypeError',
      code: undefined,
      message: 'charge does not work',
    });
  });

  it('is stuck where a compensation keeps failing, and undone once that is put right', async () => {
    const failing = ['charge', 'undo reserve 2'];
    const saga = order(failing);
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const error = (await rejectionOf(runner.run(saga, { total: 1 }))) as SagaFailedError;
    expect(error).to.include({ step: 'charge', status: 'stuck' });
    expect([error.undone, error.notUndone]).to.deep.equal([['charge'], ['reserve']]);
    expect(calls.filter((name) => name === 'undo reserve 2')).to.have.length(5);
    const { id, stuck, steps } = await onlySaga(provider);
    expect(stuck).to.deep.equal({
      step: 'reserve',
      reason: 'compensation-failed',
      message: 'The compensation failed 5 times: undo reserve 2 does not work',
    });
    expect(steps.at(-1)).to.include({ name: 'reserve', direction: 'backward', attempts: 5, failures: 5 });

    failing.splice(1);
    expect(await runner.resume()).to.deep.equal({ completed: 0, compensated: 0, stuck: 0, left: 0 });
    await new SagaRecords(provider).retry(id);
    expect(await runner.resume()).to.deep.equal({ completed: 0, compensated: 1, stuck: 0, left: 0 });
    expect(calls.filter((name) => name.startsWith('undo charge'))).to.have.length(1);
    expect(await onlySaga(provider)).to.include({ status: 'compensated', stuck: undefined });
  });

  it('tries again what may go away, and at once gives up what does not', async () => {
    const saga = defineSaga({
      name: 'fickle',
      steps: [
        {
          name: 'slow',
          retry: { ...quick, attempts: 4 },
          run({ attempt }) {
            calls.push(`slow ${attempt}`);
            if (attempt < 4) throw new Error('not yet');
          },
        },
        {
          name: 'missing',
          retry: { ...quick, attempts: 4 },
          run() {
            calls.push('missing');
            throw new NotFoundError('users');
          },
        },
      ],
    });
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const error = (await rejectionOf(runner.run(saga, undefined))) as SagaFailedError;
    expect(error.cause).to.be.instanceOf(NotFoundError);
    expect(calls).to.deep.equal(['slow 1', 'slow 2', 'slow 3', 'slow 4', 'missing']);
  });

  it('ends a step that does not end by itself', async () => {
    const aborted: unknown[] = [];
    const saga = defineSaga({
      name: 'endless',
      steps: [
        {
          name: 'hang',
          timeout: 20,
          run: ({ signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener('abort', () => {
                aborted.push(signal.reason);
                reject(new Error('as told'));
              });
            }),
          compensate: () => void calls.push('undo hang'),
        },
      ],
    });
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const error = (await rejectionOf(runner.run(saga, undefined))) as SagaFailedError;
    expect(error.cause).to.be.instanceOf(SagaStepTimeoutError);
    expect(aborted).to.deep.equal([error.cause]);
    expect(calls).to.deep.equal(['undo hang']);
  });

  it('refuses what is no JSON: an input before anything is stored, a result as a failure of its step', async () => {
    const saga = defineSaga({
      name: 'no-json',
      input: uncheckedInput<unknown>(),
      steps: [{ name: 'date', run: () => new Date(), compensate: () => void calls.push('undo date') }],
    });
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    expect(await rejectionOf(runner.run(saga, { at: new Date() }))).to.be.instanceOf(ValidationError);
    expect(await new SagaRecords(provider).list()).to.deep.equal([]);
    const error = (await rejectionOf(runner.run(saga, {}))) as SagaFailedError;
    expect(error.cause).to.be.instanceOf(ValidationError);
    expect(calls).to.deep.equal(['undo date']);
  });

  it('gives each attempt values of its own, so that none changes what others see', async () => {
    const saga = defineSaga({
      name: 'changing',
      input: uncheckedInput<{ list: number[] }>(),
      steps: [
        {
          name: 'first',
          run({ input }) {
            input.list.push(2);
            return input.list;
          },
        },
        {
          name: 'second',
          run({ input, results }) {
            results.first.push(3);
            return input.list;
          },
        },
      ],
    });
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    expect(await runner.run(saga, { list: [1] })).to.deep.equal({ first: [1, 2], second: [1] });
  });

  it('is journaled before a step begins, and before its compensation does', async () => {
    const seen: string[] = [];
    const look = async () => {
      const { direction, name, state, attempts } = (await onlySaga(provider)).steps.at(-1) ?? {};
      seen.push(`${direction} ${name} ${state} ${attempts}`);
    };
    const saga = defineSaga({
      name: 'looking',
      steps: [
        {
          name: 'look',
          retry: { ...quick, attempts: 2 },
          async run() {
            await look();
            throw new Error('seen');
          },
          compensate: look,
        },
      ],
    });
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    await rejectionOf(runner.run(saga, undefined));
    expect(seen).to.deep.equal([
      'forward look started 1',
      'forward look started 2',
      'backward look started 1',
    ]);
  });

  it('holds no transaction while a step runs', async () => {
    const saga = defineSaga({
      name: 'idle',
      steps: [{ name: 'look', run: () => provider.stats().busy }],
    });
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    expect(await runner.run(saga, undefined)).to.deep.equal({ look: 0 });
  });

  it('is no part of a transaction', async () => {
    const saga = order();
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const error = await rejectionOf(provider.transaction(() => runner.run(saga, { total: 1 })));
    expect(isLiminalDataError(error), String(error)).to.equal(true);
    expect(error).to.be.instanceOf(OutsideTransactionError);
    expect(calls).to.deep.equal([]);
    expect(await new SagaRecords(provider).list()).to.deep.equal([]);
  });

  it('is refused by a runner that does not have it, and by one that is closed', async () => {
    const runner = new SagaRunner(provider, { sagas: [order()] });
    expect(await rejectionOf(runner.run(order(), { total: 1 }))).to.be.instanceOf(ValidationError);
    await runner.close();
    expect(await rejectionOf(runner.run(order(), { total: 1 }))).to.be.instanceOf(SagaInterruptedError);
  });

  it('goes on where its caller stops waiting', async () => {
    const going = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const saga = defineSaga({
      name: 'patient',
      steps: [
        {
          name: 'wait',
          run() {
            begun.resolve();
            return going.promise;
          },
        },
      ],
    });
    const runner = new SagaRunner(provider, { sagas: [saga] });
    const wait = new AbortController();
    const run = rejectionOf(runner.run(saga, undefined, { signal: wait.signal }));
    await begun.promise;
    wait.abort(new Error('no longer'));
    expect(await run).to.have.property('message', 'no longer');
    going.resolve();
    await runner.close();
    expect((await onlySaga(provider)).steps[0]).to.include({ state: 'done' });
  });
});

describeOnDatabase('postgres', 'a saga over two databases', (database) => {
  it('does or undoes its steps in both', async () => {
    await using postgres = openSagaDatabase(await database.freshUrl());
    await using sqlite = openSagaDatabase(`sqlite:${makeTempDirectory('saga')}/other.db`);
    await migrateSagas(postgres);
    await migrateSagas(sqlite);
    const transfer = defineSaga({
      name: 'transfer',
      input: uncheckedInput<{ fails: boolean }>(),
      steps: [
        {
          name: 'take',
          run: ({ idempotencyKey }) => effect(sqlite, idempotencyKey, 'take'),
          compensate: ({ idempotencyKey }) => effect(sqlite, idempotencyKey, 'undo take'),
        },
        {
          name: 'give',
          run: ({ idempotencyKey }) =>
            postgres.transaction(async (tx) => {
              await tx
                .insertInto('effects')
                .values({ key: idempotencyKey, step: 'give', calls: 1 })
                .execute();
            }),
          compensate: ({ idempotencyKey }) => effect(postgres, idempotencyKey, 'undo give'),
        },
        {
          name: 'check',
          run({ input }) {
            if (input.fails) throw new Error('it does');
          },
        },
      ],
    });
    for (const journal of [postgres, sqlite]) {
      await using runner = new SagaRunner(journal, { sagas: [transfer] });
      const done = crypto.randomUUID();
      await runner.run(transfer, { fails: false }, { id: done });
      expect([await effectsOf(sqlite, done), await effectsOf(postgres, done)]).to.deep.equal([
        ['take'],
        ['give'],
      ]);
      const undone = crypto.randomUUID();
      const error = await rejectionOf(runner.run(transfer, { fails: true }, { id: undone }));
      expect((error as SagaFailedError).undone).to.deep.equal(['give', 'take']);
      expect(await effectsOf(sqlite, undone)).to.deep.equal(['take', 'take:compensate']);
      expect(await effectsOf(postgres, undone)).to.deep.equal(['give', 'give:compensate']);
    }
  });
});

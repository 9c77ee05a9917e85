/** F36: what cannot go on is neither guessed at nor dropped without a word. */
import { expect } from 'chai';
import {
  NotFoundError,
  SagaFailedError,
  SagaRecords,
  SagaRunner,
  ValidationError,
  defineSaga,
  uncheckedInput,
  type SagaEvent,
} from '../../../../src/core/index.ts';
import type { StandardSchema } from '../../../../src/core/domain/index.ts';
import { describeOnEachDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { migrateSagas, onlySaga, openSagaDatabase, type SagaTestDatabase } from './saga-harness.ts';

const noneResumed = { completed: 0, compensated: 0, stuck: 0, left: 0 };

describeOnEachDatabase('a saga that cannot go on', (database) => {
  let provider: SagaTestDatabase;
  let records: SagaRecords;
  let calls: string[];
  const id = crypto.randomUUID();

  beforeEach(async () => {
    provider = openSagaDatabase(await database.freshUrl());
    await migrateSagas(provider);
    records = new SagaRecords(provider);
    calls = [];
  });
  afterEach(() => provider.close());

  const step = <Name extends string>(name: Name) => ({
    name,
    run: () => {
      calls.push(name);
      return name;
    },
    compensate: () => void calls.push(`undo ${name}`),
  });
  const two = (version?: number, input?: StandardSchema) =>
    defineSaga({
      name: 'two',
      ...(version === undefined ? {} : { version }),
      input: input ?? uncheckedInput<unknown>(),
      steps: [step('a'), step('b')],
    });

  /** Leaves a saga as a process does that was killed in its second step. */
  async function abandon(changes: { readonly crashes?: number } = {}): Promise<void> {
    const first = two();
    await using runner = new SagaRunner(provider, { sagas: [first] });
    await runner.run(first, { n: 1 }, { id });
    await provider.db
      .updateTable('sagas')
      .set({ status: 'running', owner: null, finished_at: null })
      .execute();
    await provider.db
      .updateTable('saga_steps')
      .set({ state: 'started', result: null, ...changes })
      .where('name', '=', 'b')
      .execute();
    calls = [];
  }

  it('since its steps or its version are others now, is parked with the reason and can go on later', async () => {
    await abandon();
    const renamed = defineSaga({ name: 'two', steps: [step('a'), step('c')] });
    const events: SagaEvent[] = [];
    for (const other of [renamed, two(2)]) {
      await using runner = new SagaRunner(provider, {
        sagas: [other],
        onEvent: (event) => events.push(event),
      });
      expect(await runner.resume()).to.deep.equal({ ...noneResumed, stuck: 1 });
      expect(calls).to.deep.equal([]);
      const { status, stuck } = await records.show(id);
      expect([status, stuck?.reason, stuck?.step]).to.deep.equal(['stuck', 'definition-changed', 'b']);
      expect(await runner.resume()).to.deep.equal(noneResumed);
      await records.retry(id);
    }
    expect(events.map(({ type }) => type)).to.deep.equal(['taken-over', 'stuck', 'taken-over', 'stuck']);
    const old = two();
    await using both = new SagaRunner(provider, { sagas: [two(2), old] });
    expect(await both.resume()).to.deep.equal({ ...noneResumed, completed: 1 });
    expect(calls).to.deep.equal(['b']);
    expect(await both.run(old, { n: 1 }, { id })).to.deep.equal({ a: 'a', b: 'b' });
  });

  it('since its input is not what the code takes any more, is parked and says so to those who wait', async () => {
    await abandon();
    const strict: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          (value as { readonly n?: number }).n === 1
            ? { issues: [{ message: 'must be 2', path: ['n'] }] }
            : { value },
      },
    };
    const saga = two(undefined, strict);
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    expect(await runner.resume()).to.deep.equal({ ...noneResumed, stuck: 1 });
    const { stuck } = await records.show(id);
    expect(stuck).to.deep.equal({ step: 'b', reason: 'unreadable-input', message: 'n: must be 2' });
    expect(calls).to.deep.equal([]);

    const old = two();
    await using other = new SagaRunner(provider, { sagas: [old] });
    const error = (await rejectionOf(other.run(old, { n: 1 }, { id }))) as SagaFailedError;
    expect(error).to.be.instanceOf(SagaFailedError);
    expect(error).to.include({ step: 'b', status: 'stuck' });
    expect([error.undone, error.notUndone]).to.deep.equal([[], ['a', 'b']]);
  });

  for (const [what, text, table] of [
    ['input', '{"n":', 'sagas'],
    ['result', 'nothing', 'saga_steps'],
  ] as const) {
    it(`since its ${what} is damaged, is parked`, async () => {
      await abandon();
      if (table === 'sagas') await provider.db.updateTable('sagas').set({ input: text }).execute();
      else
        await provider.db.updateTable('saga_steps').set({ result: text }).where('name', '=', 'a').execute();
      await using runner = new SagaRunner(provider, { sagas: [two()] });
      expect(await runner.resume()).to.deep.equal({ ...noneResumed, stuck: 1 });
      expect((await records.show(id)).stuck?.reason).to.equal(`unreadable-${what}`);
      expect(calls).to.deep.equal([]);
    });
  }

  it('since each process dies in the same step, is parked instead of killing one more', async () => {
    await abandon({ crashes: 9 });
    await using runner = new SagaRunner(provider, { sagas: [two()] });
    expect(await runner.resume()).to.deep.equal({ ...noneResumed, stuck: 1 });
    expect(calls).to.deep.equal([]);
    expect((await records.show(id)).stuck).to.include({ reason: 'crashed-repeatedly', step: 'b' });
    await records.retry(id);
    expect(await runner.resume()).to.deep.equal({ ...noneResumed, completed: 1 });
    expect(calls).to.deep.equal(['b']);
  });

  it('is closed by hand, with a note, and then stays as it is', async () => {
    await abandon();
    expect(await rejectionOf(records.resolve(id, { note: 'no' }))).to.be.instanceOf(ValidationError);
    await using other = new SagaRunner(provider, { sagas: [two(2)] });
    await other.resume();
    expect(await rejectionOf(records.resolve(id, { note: ' ' }))).to.be.instanceOf(ValidationError);
    await records.resolve(id, { note: 'done by hand' });
    expect(await records.show(id)).to.include({ status: 'resolved', note: 'done by hand' });
    expect(await rejectionOf(records.retry(id))).to.be.instanceOf(ValidationError);
    expect(await rejectionOf(records.resolve(id, { note: 'again', force: true }))).to.be.instanceOf(
      ValidationError,
    );
    const old = two();
    await using runner = new SagaRunner(provider, { sagas: [old] });
    expect(await runner.resume()).to.deep.equal(noneResumed);
    expect(await rejectionOf(runner.run(old, { n: 1 }, { id }))).to.include({ status: 'resolved' });
    expect(calls).to.deep.equal([]);
  });

  it('loses its owner where it is closed by force', async () => {
    const begun = Promise.withResolvers<void>();
    const going = Promise.withResolvers<void>();
    const saga = defineSaga({
      name: 'held',
      steps: [
        {
          name: 'hold',
          run() {
            begun.resolve();
            return going.promise;
          },
        },
      ],
    });
    await using runner = new SagaRunner(provider, { sagas: [saga] });
    const run = rejectionOf(runner.run(saga, undefined));
    await begun.promise;
    const { id: held } = await onlySaga(provider);
    await records.resolve(held, { note: 'it hangs', force: true });
    going.resolve();
    expect(await run).to.have.property('code', 'LIMINAL_LEASE_LOST');
    expect(await records.show(held)).to.include({ status: 'resolved' });
  });

  it('is found by its status, and what is not there is said', async () => {
    await abandon();
    expect((await records.list({ status: 'running', name: 'two' })).map((each) => each.id)).to.deep.equal([
      id,
    ]);
    expect(await records.list({ status: 'stuck' })).to.deep.equal([]);
    expect(await rejectionOf(records.list({ limit: 0 }))).to.be.instanceOf(ValidationError);
    expect(await rejectionOf(records.list({ status: 'lost' as never }))).to.be.instanceOf(ValidationError);
    expect(await rejectionOf(records.show(crypto.randomUUID()))).to.be.instanceOf(NotFoundError);
    expect(await rejectionOf(records.retry(crypto.randomUUID()))).to.be.instanceOf(NotFoundError);
  });
});

describe('the definition of a saga', () => {
  const run = () => 1;

  it('lists every fault', () => {
    const define = () =>
      defineSaga({
        name: 'a b',
        version: 0,
        steps: [
          { name: 'x:y', run, retry: { attempts: 0, baseDelay: 10, maxDelay: 5 } },
          { name: 'z', run, timeout: -1 },
          { name: 'z', run: 1 as never },
        ],
      });
    expect(define)
      .to.throw(ValidationError)
      .with.property('issues')
      .that.satisfies((issues: readonly { readonly path: readonly unknown[] }[]) => {
        expect(issues.map(({ path }) => path.join('.'))).to.deep.equal([
          'name',
          'version',
          'steps.0.name',
          'steps.0.retry.attempts',
          'steps.0.retry.maxDelay',
          'steps.1.timeout',
          'steps.2.run',
          'steps.2.name',
        ]);
        return true;
      });
    expect(() => defineSaga({ name: 'none', steps: [] as never })).to.throw(ValidationError, /1 to 1000/);
  });

  it('and the options of a runner as well', () => {
    const saga = defineSaga({ name: 'one', steps: [{ name: 'only', run }] });
    const options = { sagas: [saga, saga], leaseDuration: 10, concurrency: 0 };
    expect(() => new SagaRunner(undefined as never, options))
      .to.throw(ValidationError)
      .with.property('issues')
      .that.has.length(3);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { runAs } from '../../../src/core/foundation/actor-context.ts';
import {
  collectRepeats,
  nPlusOneWatches,
  watchNPlusOne,
} from '../../../src/core/metrics/n-plus-one-watch.ts';
import { fingerprint } from '../../../src/core/metrics/fingerprint.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { prepare, type Param } from '../../../src/core/query/prepared-query.ts';
import { expectNoNPlusOne } from '../../../src/core/testing/expect-no-n-plus-one.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { makeThing, openThings, type Tables } from '../repository/things.ts';

describeOnEachDatabase('the same query again and again', (database) => {
  const logger = recordingLogger();
  let provider: DatabaseProvider<Tables>;

  before(async () => {
    provider = await openThings(database, { logger, warnOfNPlusOne: true });
  });
  beforeEach(() => {
    logger.lines.length = 0;
  });
  after(() => provider.close());

  const readOne = (id = crypto.randomUUID()) =>
    provider.db.selectFrom('things').select('id').where('id', '=', id).execute();
  const readMany = async (count: number) => {
    for (let turn = 0; turn < count; turn += 1) await readOne();
  };
  const text = 'select id from things where id = ?';
  /** What was warned of, but for what a busy machine makes slow. */
  const told = () => logger.lines.filter(({ message }) => message.startsWith('the same query'));

  it('is told at the end of the work, once, with its count and its caller', async () => {
    await watchNPlusOne(() => readMany(14), { logger });
    const [line, ...others] = told();
    expect(others).to.deep.equal([]);
    expect(line?.level).to.equal('warn');
    expect(line?.message).to.equal('the same query ran again and again (N+1)');
    expect(line?.fields).to.include({ fingerprint: fingerprint(text).id, query: text, count: 14 });
    expect(line?.fields['callSite']).to.match(/the-same-query-again-and-again-is-told\.test\.ts:\d+/u);
  });

  it('from one more on than it may, whatever runs beside it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.constantFrom('read', 'count', 'write', 'batch', 'elsewhere'), { maxLength: 24 }),
        async (limit, steps) => {
          const byName = prepare(provider, (db, param: Param<{ name: string }>) =>
            db.selectFrom('things').select('score').where('name', '=', param('name')),
          );
          let elsewhere = Promise.resolve();
          const outside = (work: () => Promise<unknown>) => {
            elsewhere = elsewhere.then(work).then(() => undefined);
          };
          const runStep = async (step: string) => {
            if (step === 'read') await readOne();
            else if (step === 'count') await byName.execute({ name: crypto.randomUUID() });
            else if (step === 'write') await provider.db.updateTable('things').set({ score: 1 }).execute();
            else if (step === 'batch')
              await provider.batch([byName.with({ name: 'a' }), byName.with({ name: 'b' })]);
          };
          for (const step of steps) if (step === 'elsewhere') outside(() => readOne());
          const { findings, heard } = await collectRepeats(
            async () => {
              for (const step of steps) await runStep(step);
            },
            { limit },
          );
          await elsewhere;
          const countOf = (step: string) => steps.filter((each) => each === step).length;
          const expected = [
            [text, countOf('read')],
            ['select score from things where name = ?', countOf('count')],
            ['update things set score = ?', countOf('write')],
          ].filter(([, count]) => Number(count) > limit);
          expect(findings.map(({ query, count }) => [query, count])).to.have.deep.members(expected);
          expect(heard).to.be.at.least(countOf('read') + countOf('count') + countOf('write'));
        },
      ),
      { numRuns: soakCount(200) },
    );
  });

  it('is heard in a transaction, in a stream and in what runs at the same time', async () => {
    const { findings } = await collectRepeats(
      () =>
        provider.transaction(async (tx) => {
          await Promise.all(
            Array.from({ length: 12 }, async function oneOfMany() {
              await tx.selectFrom('things').select('id').where('id', '=', crypto.randomUUID()).execute();
            }),
          );
          for (let turn = 0; turn < 12; turn += 1) {
            for await (const _ of tx.selectFrom('things').select('name').stream(1)) break;
          }
        }),
      {},
    );
    expect(findings.map(({ query, count }) => [query, count])).to.deep.equal([
      [text, 12],
      ['select name from things', 12],
    ]);
    for (const { callSite } of findings) expect(callSite).to.match(/the-same-query-again-and-again-is-told/u);
  });

  it('may be meant: what is named is ignored, by its id or its text', async () => {
    for (const ignore of [[fingerprint(text).id], [text]]) {
      await watchNPlusOne(() => readMany(14), { logger, ignore });
    }
    expect(told()).to.deep.equal([]);
  });

  it('is warned of in each transaction by itself, where the provider says so', async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      await provider.transaction(async (tx) => {
        for (let each = 0; each < 9; each += 1) await tx.selectFrom('things').select('id').execute();
      });
    }
    expect(told()).to.deep.equal([]);
    await provider.transaction(async (tx) => {
      for (let each = 0; each < 20; each += 1) await tx.selectFrom('things').select('id').execute();
    });
    expect(told().map(({ fields }) => fields['query'])).to.deep.equal(['select id from things']);
    expect(told()[0]?.fields)
      .to.include({ count: 11 })
      .and.to.have.property('transaction')
      .that.is.a('number');
  });

  it('and in each request, but not outside of both', async () => {
    await readMany(20);
    await runAs({ type: 'system', id: 'worker' }, () => readMany(20));
    expect(told()).to.deep.equal([]);
    await runAs({ type: 'user', id: 'u', requestId: 'r1' }, () => readMany(10));
    await runAs({ type: 'user', id: 'u', requestId: 'r2' }, () => readMany(10));
    expect(told()).to.deep.equal([]);
    await runAs({ type: 'user', id: 'u', requestId: 'r3' }, () => readMany(30));
    expect(told().map(({ fields }) => [fields['query'], fields['requestId']])).to.deep.equal([[text, 'r3']]);
  });

  it('fails a test that says so, and names the query, the count and the caller', async () => {
    expect(await expectNoNPlusOne(async () => (await readMany(10), 'done'))).to.equal('done');
    const error = await rejectionOf(expectNoNPlusOne(() => readMany(11)));
    expect(error).to.be.instanceOf(Error);
    const { message } = error as Error;
    expect(message).to.contain(`11 times: ${text} [${fingerprint(text).id}]`);
    expect(message).to.match(/at .*the-same-query-again-and-again-is-told\.test\.ts:\d+:\d+/u);
    const fault = new Error('of the work');
    expect(await rejectionOf(expectNoNPlusOne(() => Promise.reject(fault)))).to.equal(fault);
  });

  it('and a test that nothing was heard of proves nothing', async () => {
    const error = await rejectionOf(expectNoNPlusOne(() => Promise.resolve()));
    expect((error as Error).message).to.match(/^No statement was heard/u);
  });

  it('and the options are checked', async () => {
    const options = { limit: 0, ignore: [1] } as never;
    expect(await rejectionOf(watchNPlusOne(() => readMany(1), options)))
      .to.have.property('issues')
      .with.length(2);
  });

  it('and nothing of what was watched is left when it is over', async () => {
    await rejectionOf(watchNPlusOne(() => Promise.reject(new Error('of the work')), { logger }));
    await watchNPlusOne(() => provider.db.insertInto('things').values(makeThing()).execute(), { logger });
    await readMany(14);
    expect(told()).to.deep.equal([]);
    expect(nPlusOneWatches.threshold).to.equal(Infinity);
  });
});

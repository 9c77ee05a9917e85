import { expect } from 'chai';
import fc from 'fast-check';
import { QueryError, UniqueViolationError } from '../../../src/core/index.ts';
import { createQueryMetrics, ValidationError, type QueryRank } from '../../../src/core/metrics/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { StatementEvent } from '../../../src/core/index.ts';

function event(sql: string, changes: Partial<StatementEvent> = {}): StatementEvent {
  return { sql, duration: 1, wait: 0, kind: 'single', rows: 1, ...changes };
}

describe('metrics stay bounded', () => {
  it('10,000 kinds of statements keep as many fingerprints as there may be, and a rest', () => {
    const metrics = createQueryMetrics({ maxFingerprints: 100 });
    for (let place = 0; place < 10_000; place += 1) metrics.record(event(`select c${place} from t`));
    const queries = metrics.queries();
    expect(queries).to.have.length(101);
    expect(queries.at(-1)).to.include({ id: 'other', text: 'other', operation: 'other', calls: 9_900 });
    expect(metrics.totals()).to.include({ calls: 10_000, rows: 10_000 });
    metrics.record(event('select c7 from t'));
    expect(metrics.queries()[7]).to.have.property('calls', 2);
  });

  it('10,000 texts of one kind are one fingerprint', () => {
    const metrics = createQueryMetrics({ maxFingerprints: 1 });
    for (let place = 0; place < 10_000; place += 1) metrics.record(event(`select ${place} from t`));
    expect(metrics.queries()).to.have.length(1);
    expect(metrics.totals().calls).to.equal(10_000);
  });

  it('totals are the sums of the parts, before and after a reset', () => {
    const events = fc.array(
      fc.record({
        sql: fc.constantFrom('select a', 'select b', 'select c', 'select d'),
        duration: fc.double({ min: 0, max: 10_000, noNaN: true }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        rows: fc.option(fc.nat(100), { nil: undefined }),
        error: fc.constantFrom(undefined, undefined, new QueryError('a', undefined), new TypeError('b')),
      }),
    );
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 5 }), (all, maxFingerprints) => {
        const metrics = createQueryMetrics({ maxFingerprints });
        metrics.record(event('select forgotten'));
        metrics.reset();
        expect(metrics.queries()).to.deep.equal([]);
        let wait = 0;
        for (const { share, ...facts } of all) {
          wait += facts.duration * share;
          metrics.record(event(facts.sql, { ...facts, wait: facts.duration * share }));
        }
        const totals = metrics.totals();
        expect(totals.calls).to.equal(all.length);
        expect(totals.failures).to.equal(all.filter(({ error }) => error !== undefined).length);
        expect(totals.rows).to.equal(all.reduce((sum, { rows = 0 }) => sum + rows, 0));
        expect(totals.wait).to.be.closeTo(wait, 1e-6 * (1 + wait));
        const duration = all.reduce((sum, each) => sum + each.duration, 0);
        expect(totals.wait + totals.execution).to.be.closeTo(duration, 1e-6 * (1 + duration));
        for (const query of metrics.queries()) {
          expect(query.execution.count).to.equal(query.calls);
          expect(query.wait.count).to.equal(query.calls);
        }
      }),
    );
  });

  it('percentiles are those of all that was recorded, to two figures', () => {
    const durations = fc.array(
      fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 60_000, noNaN: true })),
      {
        minLength: 1,
        maxLength: 300,
      },
    );
    fc.assert(
      fc.property(durations, (all) => {
        const metrics = createQueryMetrics();
        for (const duration of all) metrics.record(event('select 1', { duration }));
        const { execution } = metrics.queries()[0]!;
        const sorted = all.toSorted((one, other) => one - other);
        expect(execution.max).to.equal(sorted.at(-1));
        for (const [percent, told] of [
          [50, execution.p50],
          [95, execution.p95],
          [99, execution.p99],
        ] as const) {
          const rank = Math.ceil((percent / 100) * all.length);
          // The histogram rounds a rank to the next one.
          const near = [rank - 1, rank, rank + 1].map(
            (at) => sorted[Math.min(all.length, Math.max(1, at)) - 1]!,
          );
          const slack = (value: number) => Math.max(0.0011, value * 0.011);
          expect(told).to.be.at.least(near[0]! - slack(near[0]!));
          expect(told).to.be.at.most(near[2]! + slack(near[2]!));
        }
      }),
    );
  });

  it('errors are told apart by their code, and reasons of aborts do not make more of them', () => {
    const metrics = createQueryMetrics();
    const fail = (error: unknown) => metrics.record(event('select 1', { error, rows: undefined }));
    fail(new QueryError('no', undefined));
    fail(new UniqueViolationError({ table: 't' }));
    fail(new DOMException('gone', 'AbortError'));
    fail(new DOMException('late', 'TimeoutError'));
    for (let place = 0; place < 50; place += 1)
      fail(Object.assign(new Error('x'), { name: `Reason${place}` }));
    fail('a text');
    expect(metrics.queries()[0]?.errors).to.deep.equal({
      LIMINAL_QUERY: 1,
      LIMINAL_UNIQUE_VIOLATION: 1,
      ABORTED: 1,
      TIMEOUT: 1,
      OTHER: 51,
    });
  });

  it('the first and the last time are those of the clock', () => {
    const clock = new FakeClock();
    const metrics = createQueryMetrics({ clock });
    const start = clock.now();
    metrics.record(event('select 1'));
    clock.advance(5_000);
    metrics.record(event('select 1'));
    clock.advance(70_000);
    expect(metrics.queries()[0]).to.include({ firstSeen: start, lastSeen: start + 5_000 });
  });

  it('top ranks by what it is asked for', () => {
    const metrics = createQueryMetrics();
    for (let call = 0; call < 10; call += 1) metrics.record(event('select often', { rows: 0 }));
    metrics.record(event('select slow', { duration: 50 }));
    metrics.record(event('select waited', { duration: 100, wait: 99 }));
    metrics.record(event('select failed', { error: new Error('x'), rows: undefined }));
    metrics.record(event('select many', { rows: 1_000 }));
    const first = (by: QueryRank) => metrics.top(1, by)[0]?.text.split(' ')[1];
    expect(first('calls')).to.equal('often');
    for (const by of ['total', 'mean', 'p95', 'p99', 'max'] as const) expect(first(by), by).to.equal('slow');
    expect(first('wait')).to.equal('waited');
    expect(first('errors')).to.equal('failed');
    expect(first('rows')).to.equal('many');
    expect(metrics.top(2)).to.have.length(2);
  });

  it('what makes no sense is refused, all of it at once', () => {
    for (const maxFingerprints of [0, -1, 1.5, Number.NaN, 100_001, '5' as never])
      expect(() => createQueryMetrics({ maxFingerprints })).to.throw(ValidationError);
    const faults = () => createQueryMetrics().top(0, 'fame' as QueryRank);
    expect(faults).to.throw(ValidationError).with.property('issues').with.length(2);
  });
});

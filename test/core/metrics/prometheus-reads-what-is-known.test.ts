import { expect } from 'chai';
import fc from 'fast-check';
import { spawnSync } from 'node:child_process';
import {
  DatabaseProviderFactory,
  Semaphore,
  systemClock,
  ValidationError,
  type DatabaseProvider,
  type PoolStats,
} from '../../../src/core/index.ts';
import { addSpreads, DurationBuckets } from '../../../src/core/foundation/duration-buckets.ts';
import { createQueryMetrics, prometheusText, type QueryMetrics } from '../../../src/core/metrics/index.ts';
import { writeFamilies } from '../../../src/core/metrics/metric-family.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { statsOf } from '../../support/pool-stats.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { reportNotRun } from '../../support/reporter.ts';
import { makePerson, openCached } from '../cache/cached-fixture.ts';
import { readExposition, type ReadFamily } from './exposition.ts';

function valueOf(
  families: readonly ReadFamily[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = families
    .flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, text]) => sample.labels[label] === text));
  expect(found.length, name).to.be.at.most(1);
  return found[0]?.value;
}

describeOnEachDatabase('Prometheus', (database) => {
  let provider: DatabaseProvider<unknown>;
  let metrics: QueryMetrics;
  beforeEach(async () => {
    metrics = createQueryMetrics();
    provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl(), { metrics });
    await provider.exec('create table notes (id integer primary key, text varchar(100))');
  });
  afterEach(() => provider.close());

  it('reads the figures of the pool, the engine and the queries', async () => {
    for (const id of [1, 2, 3]) await provider.exec('insert into notes values (?, ?)', [id, 'a']);
    await provider.query('select id from notes');
    await rejectionOf(provider.query('select nothing from notes'));
    await provider.transaction(async () => {
      const text = await prometheusText({ databases: { chat: { provider, metrics } } });
      const families = readExposition(text);
      const { busy, idle, max, created } = provider.stats();
      const chat = { database: 'chat' };
      expect(valueOf(families, 'liminal_pool_connections', { ...chat, state: 'busy' })).to.equal(busy);
      expect(valueOf(families, 'liminal_pool_connections', { ...chat, state: 'idle' })).to.equal(idle);
      expect(valueOf(families, 'liminal_pool_connections_max', chat)).to.equal(max);
      expect(valueOf(families, 'liminal_pool_connections_created_total', chat)).to.equal(created);
      expect(valueOf(families, 'liminal_database_info', { ...chat, engine: provider.type })).to.equal(1);
      for (const { id, rows, execution } of metrics.queries()) {
        const labels = { ...chat, fingerprint: id };
        expect(valueOf(families, 'liminal_query_duration_seconds_count', labels)).to.equal(execution.count);
        expect(valueOf(families, 'liminal_query_duration_seconds_sum', labels)).to.equal(
          execution.sum / 1_000,
        );
        expect(valueOf(families, 'liminal_query_duration_seconds', { ...labels, quantile: '0.95' })).to.equal(
          execution.p95 / 1_000,
        );
        expect(valueOf(families, 'liminal_query_rows_total', labels)).to.equal(rows);
      }
      const errors = families.find(({ name }) => name === 'liminal_query_errors_total');
      expect(errors?.samples.map(({ value }) => value)).to.deep.equal([1]);
      const isSqlite = provider.type === 'sqlite';
      expect(valueOf(families, 'liminal_event_loop_statements_total', chat) !== undefined).to.equal(isSqlite);
      expect(valueOf(families, 'liminal_postgres_prepared_statements', chat) !== undefined).to.equal(
        !isSqlite,
      );
      expect(text).not.to.contain('insert into').and.not.to.contain('notes');
    });
  });

  it('reads the figures of a cache, by region', async () => {
    const opened = await openCached(await database.freshUrl());
    const { cache, people } = opened;
    const person = await people.insert(makePerson());
    for (let time = 0; time < 3; time += 1) await people.getById(person.id);
    await people.update({ ...person, name: 'another' });
    await people.findMany({});
    const text = await prometheusText({ databases: { chat: { cache }, other: { provider } } });
    const families = readExposition(text);
    const { regions, entries, bytes } = cache.stats();
    const { hits, misses, loads, invalidations, bytes: regionBytes } = regions['people']!;
    expect({ hits, misses, loads, entries }).to.deep.equal({ hits: 2, misses: 2, loads: 2, entries: 2 });
    const labels = { database: 'chat', region: 'people' };
    const questions = 'liminal_cache_questions_total';
    expect(valueOf(families, questions, { ...labels, answer: 'hit' })).to.equal(hits);
    expect(valueOf(families, questions, { ...labels, answer: 'miss' })).to.equal(misses);
    expect(valueOf(families, questions, { ...labels, answer: 'stale' })).to.equal(0);
    expect(valueOf(families, 'liminal_cache_loads_total', labels)).to.equal(loads);
    expect(invalidations).to.be.greaterThan(0);
    expect(valueOf(families, 'liminal_cache_invalidations_total', labels)).to.equal(invalidations);
    expect(valueOf(families, 'liminal_cache_region_bytes', labels)).to.equal(regionBytes);
    expect(valueOf(families, 'liminal_cache_entries', { database: 'chat' })).to.equal(entries);
    expect(valueOf(families, 'liminal_cache_bytes', { database: 'chat' })).to.equal(bytes);
    expect(text).not.to.contain(person.id);
    await opened.close();
  });

  it('reads of several databases what each of them has', async () => {
    const text = await prometheusText({
      databases: { one: { provider }, two: { provider }, three: { metrics } },
    });
    const pools = readExposition(text).find(({ name }) => name === 'liminal_pool_waiting');
    expect(pools?.samples.map(({ labels }) => labels)).to.deep.equal([
      { database: 'one' },
      { database: 'two' },
    ]);
    expect(valueOf(readExposition(text), 'liminal_query_rows_total', { database: 'three' })).to.equal(0);
  });

  it('reads on where a provider is closed, and where a figure cannot be read', async () => {
    await provider.close();
    const broken = {
      type: 'own',
      stats: () => provider.stats(),
      gauges: () => Promise.reject(new Error('down')),
    };
    const text = await prometheusText({ databases: { closed: { provider }, broken: { provider: broken } } });
    expect(readExposition(text).map(({ name }) => name)).to.include('liminal_pool_waiting');
  });

  it('passes the linter of Prometheus where it is installed', async function () {
    if (spawnSync('promtool', ['--version']).error !== undefined) {
      reportNotRun('promtool check metrics', 'promtool is not on PATH; our own strict reader took part');
      this.skip();
    }
    await provider.query('select id from notes');
    const input = await prometheusText({ databases: { chat: { provider, metrics } } });
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    expect(stderr).to.equal('');
    expect(status).to.equal(0);
  });
});

const emptyPool: PoolStats = statsOf(
  new Semaphore({
    permits: 1,
    acquireTimeout: 1,
    maxWaiting: 0,
    clock: systemClock,
    poolStats: () => emptyPool,
  }),
);

/** Made here: the units of fast-check for all of Unicode take seconds to be ready. */
const anyText = fc
  .array(
    fc.integer({ min: 0, max: 0x10_ff_ff }).filter((code) => code < 0xd8_00 || code > 0xdf_ff),
    { minLength: 1, maxLength: 12 },
  )
  .map((codes) => String.fromCodePoint(...codes));

describe('the figures for Prometheus', () => {
  const run = (metrics: QueryMetrics, name: string, times: number) => {
    for (let time = 0; time < times; time += 1)
      metrics.record({ sql: `select a from ${name}`, duration: 3, wait: 1, kind: 'single', rows: 2 });
  };
  const shownIn = (families: readonly ReadFamily[]) =>
    new Map(
      families
        .find(({ name }) => name === 'liminal_query_rows_total')
        ?.samples.map(({ labels, value }) => [labels['fingerprint'], value]),
    );

  it('show so many fingerprints by themselves, and the others as one whose numbers never fall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), fc.integer({ min: 1, max: 9 })), {
          minLength: 1,
          maxLength: 30,
        }),
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 1, max: 6 }),
        async (calls, topQueries, maxFingerprints) => {
          const metrics = createQueryMetrics({ maxFingerprints });
          let before = new Map<string | undefined, number>();
          for (const [name, times] of calls) {
            run(metrics, name, times);
            const now = shownIn(
              readExposition(await prometheusText({ databases: { d: { metrics } }, topQueries })),
            );
            expect(now.size).to.be.at.most(topQueries + 1);
            expect([...now.values()].reduce((sum, rows) => sum + rows, 0)).to.equal(metrics.totals().rows);
            for (const [id, rows] of before) expect(now.get(id) ?? 0, id).to.be.at.least(rows);
            before = now;
          }
        },
      ),
      { numRuns: soakCount(300) },
    );
  });

  it('begin anew behind a reset', async () => {
    const metrics = createQueryMetrics();
    const read = async () =>
      shownIn(readExposition(await prometheusText({ databases: { d: { metrics } }, topQueries: 1 })));
    run(metrics, 'a', 1);
    run(metrics, 'b', 2);
    const [first] = (await read()).keys();
    metrics.reset();
    run(metrics, 'a', 3);
    const shown = await read();
    expect(shown.size).to.equal(1);
    expect([...shown.keys()]).not.to.include(first);
  });

  it('have a histogram of waits that says of each bound how many lie below it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double({ min: -1, max: 20_000, noNaN: true })), async (waits) => {
        const buckets = new DurationBuckets();
        for (const wait of waits) buckets.record(wait);
        const spread = buckets.spread();
        const twice = { ...emptyPool, waits: addSpreads([spread, spread]) };
        const provider = { type: 'own', stats: () => twice };
        const families = readExposition(await prometheusText({ databases: { d: { provider } } }));
        for (const bound of [...addSpreads([]).bounds, Infinity]) {
          const le = bound === Infinity ? '+Inf' : String(bound / 1_000);
          const below = waits.filter((wait) => wait <= bound).length;
          expect(valueOf(families, 'liminal_pool_wait_seconds_bucket', { le })).to.equal(2 * below);
        }
        const sum = waits.reduce((total, wait) => total + Math.max(0, wait), 0);
        expect(valueOf(families, 'liminal_pool_wait_seconds_sum')).to.be.closeTo(sum / 500, 1e-6);
      }),
      { numRuns: soakCount(300) },
    );
  });

  it('come back whatever a label holds', () => {
    const naughty = fc.oneof(
      anyText,
      fc.string({
        unit: fc.constantFrom('"', '\\', '\n', '\r', '}', '{', ',', '=', '#', ' ', '\u2028', 'n'),
        minLength: 1,
        maxLength: 12,
      }),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(naughty, { minLength: 1, maxLength: 4 }),
        naughty,
        fc.double({ noDefaultInfinity: false }),
        (texts, help, value) => {
          const samples = texts.map((text) => ({ labels: { database: text, other: `${text}"` }, value }));
          const [read] = readExposition(
            writeFamilies([{ name: 'a_b', type: 'gauge', help: `x${help}`, samples }]),
          );
          expect(read?.help).to.equal(`x${help}`);
          expect(read?.samples.map(({ labels }) => labels)).to.deep.equal(
            samples.map(({ labels }) => labels),
          );
          for (const sample of read?.samples ?? [])
            expect(Object.is(sample.value, value) || sample.value === value).to.equal(true);
        },
      ),
      { numRuns: soakCount(2_000) },
    );
  });

  it('name every fault of what they are asked for', async () => {
    const faults = async (options: object) => {
      const error = await rejectionOf(prometheusText(options as never));
      expect(error).to.be.instanceOf(ValidationError);
      return (error as ValidationError).issues.map(({ path }) => path.join('.'));
    };
    expect(await faults({ databases: {}, topQueries: 1.5 })).to.deep.equal(['databases', 'topQueries']);
    expect(await faults({ databases: { '': {} }, topQueries: 1_001 })).to.deep.equal([
      'databases',
      'topQueries',
    ]);
    expect(await faults({ databases: { ['\ud800']: {} } })).to.deep.equal(['databases']);
    expect(await faults({})).to.deep.equal(['databases']);
  });
});

describe('the reader of the exposition format', () => {
  const head = '# HELP a_total words\n# TYPE a_total counter\n';
  const histogram = '# HELP h words\n# TYPE h histogram\n';
  const refused: Readonly<Record<string, string>> = {
    'a line without its end': `${head}a_total 1`,
    'a sample without a type': 'a_total 1\n',
    'a series twice': `${head}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`,
    'a family twice': `${head}a_total 1\n${head}a_total{x="1"} 1\n`,
    'a family without samples': head,
    'a counter of another name': '# HELP a words\n# TYPE a counter\na 1\n',
    'an escape that is none': `${head}a_total{x="\\r"} 1\n`,
    'a label that does not end': `${head}a_total{x="1} 1\n`,
    'no value': `${head}a_total one\n`,
    'a counter below 0': `${head}a_total -1\n`,
    'a time without a base unit': '# HELP a_ms words\n# TYPE a_ms gauge\na_ms 1\n',
    'a sample of another family': `${head}b_total 1\n`,
    'buckets that fall': `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`,
    'a histogram without its end': `${histogram}h_bucket{le="1"} 2\nh_sum 1\nh_count 2\n`,
    'a count that is not that of the buckets': `${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`,
  };
  for (const [what, text] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(() => readExposition(text)).to.throw();
    });
  }
});

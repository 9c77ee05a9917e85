import { context, diag, metrics, trace } from '@opentelemetry/api';
import { expect } from 'chai';
import { sql, type Kysely } from 'kysely';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { projectRoot, runCommand } from '../../../scripts/run-command.ts';
import { DatabaseProviderFactory, UnitOfWork, type DatabaseProvider } from '../../../src/core/index.ts';
import { createTelemetry } from '../../../src/core/metrics/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { milliseconds, pointsOf, RecordedTelemetry } from './recorded-telemetry.ts';

interface Tables {
  notes: { id: number; text: string };
}

/** C8: it is a parameter, or a literal, of nearly every statement here. */
const secret = 'a value that nobody may hear';
const client = 2;
const internal = 0;

describeOnEachDatabase('OpenTelemetry', (database) => {
  const recorded = new RecordedTelemetry();
  let provider: DatabaseProvider<Tables>;
  const isPostgres = database.name === 'postgres';
  let url: string;

  before(() => recorded.start());
  after(() => recorded.stop());
  beforeEach(async () => {
    url = await database.freshUrl();
    provider = DatabaseProviderFactory.createProvider<Tables>(url, { telemetry: await createTelemetry() });
    await provider.exec('create table notes (id integer primary key, text varchar(100) unique)');
    for (const id of [1, 2, 3, 4, 5])
      await provider.exec('insert into notes values (?, ?)', [id, `${secret} ${id}`]);
    recorded.forget();
  });
  afterEach(async () => {
    await provider.close();
    expect(inspect(recorded.spans, { depth: 8 })).to.not.contain(secret);
  });

  const select = (db: Kysely<Tables> = provider.db) =>
    db.selectFrom('notes').select('id').where('id', '<', 3).where('text', '>=', secret).execute();

  it('is told of a statement as its conventions say', async () => {
    await select();
    const [span, ...others] = recorded.spans;
    expect(others).to.deep.equal([]);
    expect(span).to.include({ name: 'select notes', kind: client });
    const { 'db.namespace': namespace, ...attributes } = span!.attributes;
    const { hostname, port, pathname } = new URL(url);
    expect(namespace).to.equal(decodeURIComponent(pathname.slice(pathname.lastIndexOf('/') + 1)));
    expect(attributes).to.deep.equal({
      'db.system.name': isPostgres ? 'postgresql' : 'sqlite',
      'db.operation.name': 'select',
      'db.collection.name': 'notes',
      'db.query.summary': 'select notes',
      'db.query.text': 'select id from notes where id < ? and text >= ?',
      'db.response.returned_rows': 2,
      ...(isPostgres && { 'server.address': hostname, 'server.port': Number(port) }),
    });
    expect(span!.status.code).to.equal(0);
  });

  const paths: Readonly<Record<string, () => Promise<unknown>>> = {
    directly: () => provider.query('select id from notes where text = ?', [secret]),
    'through Kysely': () => select(),
    'on a connection that is kept': () => provider.db.connection().execute((db) => select(db)),
    'as a stream': async () => {
      for await (const row of provider.db.selectFrom('notes').selectAll().stream())
        expect(row).to.have.property('id');
    },
    'as a stream that is left halfway': async () => {
      for await (const row of provider.db.selectFrom('notes').selectAll().stream(1)) if (row.id > 0) break;
    },
  };
  for (const [path, run] of Object.entries(paths)) {
    it(`puts a statement that goes ${path} below the span around it`, async () => {
      const request = await recorded.inSpan('GET /notes', run);
      expect(recorded.childrenOf(request)).to.deep.equal(['select notes']);
      const span = recorded.spanNamed('select notes');
      expect(milliseconds(span.startTime)).to.be.at.least(milliseconds(request.startTime) - 1);
      expect(milliseconds(span.endTime)).to.be.at.most(milliseconds(request.endTime) + 1);
    });
  }

  it('puts the statements of many requests at once each below its own', async () => {
    const requests = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        recorded.inSpan(`request ${index}`, async () => {
          await provider.transaction((tx) => select(tx));
          await provider.query('select count(*) from notes');
          await provider.exec('update notes set text = text where id = ?', [index % 5]);
        }),
      ),
    );
    for (const request of requests)
      expect(recorded.childrenOf(request)).to.have.members(['transaction', 'select notes', 'update notes']);
  });

  it('has a span of each transaction, with what runs in it below', async () => {
    const unitOfWork = new UnitOfWork(provider, {});
    const ways: Readonly<Record<string, () => Promise<unknown>>> = {
      ours: () => provider.transaction((tx) => select(tx)),
      'a unit of work': () => unitOfWork.run(({ db }) => select(db as unknown as Kysely<Tables>)),
      Kysely: () => provider.db.transaction().execute((tx) => select(tx)),
    };
    for (const [way, run] of Object.entries(ways)) {
      recorded.forget();
      const request = await recorded.inSpan('request', run);
      expect(recorded.childrenOf(request), way).to.deep.equal(['transaction']);
      const transaction = recorded.spanNamed('transaction');
      expect(transaction.kind).to.equal(internal);
      expect(transaction.attributes).to.include({ 'liminal.transaction.outcome': 'committed' });
      expect(recorded.childrenOf(transaction), way).to.deep.equal(['select notes']);
    }
  });

  it('leaves a span of the application inside of a transaction where it is', async () => {
    const step = () => recorded.inSpan('step', () => provider.transaction((tx) => inner(tx)));
    const inner = (tx: Kysely<Tables>) => recorded.inSpan('inner', () => select(tx));
    await step();
    expect(recorded.childrenOf(recorded.spanNamed('transaction'))).to.deep.equal(['inner']);
    expect(recorded.childrenOf(recorded.spanNamed('inner'))).to.deep.equal(['select notes']);
    recorded.forget();
    await recorded.inSpan('step', () => provider.db.transaction().execute((tx) => inner(tx)));
    expect(recorded.childrenOf(recorded.spanNamed('inner'))).to.deep.equal(['select notes']);
  });

  it('says of a transaction how it ended', async () => {
    const failure = new Error(secret);
    await rejectionOf(provider.transaction(() => Promise.reject(failure)));
    await rejectionOf(provider.db.transaction().execute(() => Promise.reject(failure)));
    expect(recorded.spans.map(({ attributes }) => attributes['liminal.transaction.outcome'])).to.deep.equal([
      'rolled back',
      'rolled back',
    ]);
  });

  it('has a batch as one span, with its size', async () => {
    const insert = (id: number) => provider.db.insertInto('notes').values({ id, text: `${secret} ${id}` });
    await recorded.inSpan('request', () => provider.batch([insert(10), insert(11), insert(12)]));
    const batch = recorded.spans.find(({ attributes }) => attributes['db.operation.batch.size'] === 3);
    if (batch === undefined) {
      // Where the engine sends them one by one it is a transaction of single statements.
      expect(recorded.childrenOf(recorded.spanNamed('transaction'))).to.have.length(3);
      return;
    }
    expect(batch.name).to.equal('BATCH insert notes');
    expect(batch.attributes).to.include({
      'db.operation.name': 'BATCH insert',
      'db.collection.name': 'notes',
      'db.query.text': 'insert into notes (id, text) values (…)',
    });
    expect(recorded.childrenOf(recorded.spanNamed('request'))).to.deep.equal(['BATCH insert notes']);
  });

  it('names the failure of a statement by codes, and shows no value of it', async () => {
    await rejectionOf(provider.exec(`insert into notes values (6, '${secret} 1')`));
    await rejectionOf(provider.query('select nothing from nowhere'));
    const [duplicate, unknown] = recorded.spans;
    expect(duplicate).to.include({ name: 'insert notes' });
    expect(duplicate!.status.code).to.equal(2);
    expect(duplicate!.attributes).to.include({
      'error.type': 'LIMINAL_UNIQUE_VIOLATION',
      'db.response.status_code': isPostgres ? '23505' : 'SQLITE_CONSTRAINT_UNIQUE',
      'db.query.text': 'insert into notes values (…)',
    });
    expect(unknown!.attributes).to.include({ 'error.type': 'LIMINAL_QUERY' });
    expect(unknown!.attributes['db.response.status_code']).to.equal(isPostgres ? '42P01' : 'SQLITE_ERROR');
  });

  it('has the durations of statements in the buckets of the conventions', async () => {
    await select();
    await rejectionOf(provider.query('select nothing from nowhere'));
    const durations = (await recorded.figures()).get('db.client.operation.duration');
    expect(durations?.descriptor.unit).to.equal('s');
    const namespace = { 'db.namespace': recorded.spans[0]!.attributes['db.namespace'] };
    const [point] = pointsOf(durations, { 'db.query.summary': 'select notes', ...namespace });
    const { buckets, count } = point!.value as { buckets: { boundaries: number[] }; count: number };
    expect(buckets.boundaries).to.deep.equal([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]);
    expect(count).to.be.at.least(1);
    expect(point!.attributes).to.not.have.any.keys('db.query.text', 'db.response.returned_rows');
    expect(pointsOf(durations, { 'error.type': 'LIMINAL_QUERY', ...namespace })).to.have.length(1);
  });

  it('has the figures of the pool until it is closed', async () => {
    const max = 3 + Math.floor(Math.random() * 1_000);
    const other = DatabaseProviderFactory.createProvider<Tables>(
      { url: await database.freshUrl(), pool: { max } },
      { telemetry: await createTelemetry({ spans: false }) },
    );
    const nameOf = 'db.client.connection.pool.name';
    const during = await other.transaction(() => recorded.figures());
    const maxima = pointsOf(during.get('db.client.connection.max'), {});
    const pool = maxima.find(({ value }) => value === other.stats().max)!.attributes[nameOf];
    const read = (figures: typeof during, name: string, more = {}) =>
      pointsOf(figures.get(`db.client.connection.${name}`), { [nameOf]: pool, ...more })[0]?.value;
    expect(read(during, 'count', { 'db.client.connection.state': 'used' })).to.equal(1);
    expect(read(during, 'pending_requests')).to.equal(0);
    expect(read(during, 'timeouts')).to.equal(0);
    const behind = await recorded.figures();
    expect(read(behind, 'count', { 'db.client.connection.state': 'used' })).to.equal(0);
    expect(read(behind, 'count', { 'db.client.connection.state': 'idle' }))
      .to.equal(other.stats().idle)
      .and.at.least(1);
    const countOf = (figures: typeof during, name: string) =>
      (read(figures, name) as { count: number } | undefined)?.count ?? 0;
    expect(countOf(behind, 'use_time')).to.equal(countOf(behind, 'wait_time'));
    expect(countOf(behind, 'use_time') - countOf(during, 'use_time')).to.equal(1);
    await other.close();
    const closed = await recorded.figures();
    for (const state of ['idle', 'used'])
      expect(read(closed, 'count', { 'db.client.connection.state': state })).to.equal(0);
    expect(recorded.spans).to.deep.equal([]);
  });

  it('breaks no statement where what is behind it fails', async () => {
    const told: unknown[] = [];
    const fail = (): never => {
      throw new Error('the exporter is gone');
    };
    const broken = {
      context,
      metrics,
      trace: { getTracer: () => ({ startSpan: fail }), getSpan: () => undefined, setSpan: fail },
      diag: { error: (message: string) => void told.push(message) },
    };
    const other = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl(), {
      telemetry: await createTelemetry({ api: broken }),
    });
    const select1 = () => sql`select 1 as one`;
    const member = select1().compile(other.db);
    expect(await other.transaction((tx) => select1().execute(tx))).to.deep.include({ rows: [{ one: 1 }] });
    expect(await other.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    expect(await other.batch([member, member])).to.have.length(2);
    await other.close();
    expect(told.length).to.be.at.least(4);
  });

  it('and neither a transaction nor the pool, where spans and figures fail once they are there', async () => {
    const fail = (): never => {
      throw new Error('the exporter is gone');
    };
    const span = { setAttribute: fail, setStatus: fail, end: fail };
    const broken = {
      context,
      metrics: {
        getMeter: () => ({
          createHistogram: () => ({ record: fail }),
          createObservableUpDownCounter: () => ({}),
          createObservableCounter: () => ({}),
          addBatchObservableCallback: () => undefined,
        }),
      },
      trace: { getTracer: () => ({ startSpan: () => span }), getSpan: () => undefined, setSpan: fail },
      diag: { error: () => undefined },
    };
    const other = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl(), {
      telemetry: await createTelemetry({ api: broken }),
    });
    await other.exec('create table kept (id integer)');
    await other.transaction((tx) => sql`insert into kept values (1)`.execute(tx));
    const undoing = new Error('on purpose');
    const undone = other.transaction(async (tx) => {
      await sql`insert into kept values (2)`.execute(tx);
      throw undoing;
    });
    expect(await rejectionOf(undone)).to.equal(undoing);
    expect(await other.query('select id from kept')).to.deep.equal([{ id: 1 }]);
    expect(other.stats()).to.deep.include({ busy: 0, waiting: 0 });
    await other.close();
  });

  it('tells as much as it is asked to', async () => {
    const api = { trace, context, metrics, diag };
    const quiet = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl(), {
      telemetry: await createTelemetry({ queryText: false, requireParent: true, metrics: false, api }),
    });
    await quiet.transaction((tx) => sql`select 1`.execute(tx));
    expect(recorded.spans).to.deep.equal([]);
    const request = await recorded.inSpan('request', () => quiet.query('select 1 as one'));
    expect(recorded.childrenOf(request)).to.deep.equal(['select']);
    expect(recorded.spanNamed('select').attributes).to.not.have.property('db.query.text');
    const { 'db.namespace': namespace } = recorded.spanNamed('select').attributes;
    await quiet.close();
    const durations = (await recorded.figures()).get('db.client.operation.duration');
    if (isPostgres) expect(pointsOf(durations, { 'db.namespace': namespace })).to.deep.equal([]);
  });
});

describe('without @opentelemetry/api', () => {
  it('telemetry is a ConfigurationError that says what to install, and everything else goes on', async () => {
    const doors = ['index.ts', 'metrics/index.ts'].map(
      (door) => pathToFileURL(join(projectRoot, 'src/core', door)).href,
    );
    const { code, output } = await runCommand('node', [
      '--input-type=module',
      '--eval',
      `import { registerHooks } from 'node:module';
      registerHooks({
        resolve(specifier, context, next) {
          if (!specifier.startsWith('@opentelemetry/')) return next(specifier, context);
          throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
        },
      });
      const [{ DatabaseProviderFactory }, { createTelemetry, createQueryMetrics }] = await Promise.all(
        ${JSON.stringify(doors)}.map((door) => import(door)),
      );
      await createTelemetry().catch((error) => console.log(error.code, error.message));
      const provider = DatabaseProviderFactory.createProvider('sqlite::memory:', { metrics: createQueryMetrics() });
      console.log(await provider.query('select 1 as one'));
      await provider.close();`,
    ]);
    expect(code).to.equal(0);
    expect(output).to.contain('LIMINAL_CONFIGURATION').and.contain('npm install @opentelemetry/api');
    expect(output).to.contain('one: 1');
  });
});

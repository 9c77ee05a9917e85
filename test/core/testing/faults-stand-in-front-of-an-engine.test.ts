import { expect } from 'chai';
import { sql } from 'kysely';
import { postgresEngine } from '../../../src/core/engine/postgres/index.ts';
import { sqliteEngine } from '../../../src/core/engine/sqlite/index.ts';
import {
  ConnectionError,
  DatabaseProviderFactory,
  SerializationFailureError,
  UnitOfWork,
  type DatabaseProvider,
  type Engine,
} from '../../../src/core/index.ts';
import {
  delayNth,
  failNth,
  hangNth,
  withFaults,
  type DriverCall,
  type DriverCallKind,
  type FaultInjector,
} from '../../../src/core/testing/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';

interface Tables {
  notes: { id: number };
}

describeOnEachDatabase('faults in front of an engine', (database) => {
  const opened: DatabaseProvider<Tables>[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close({ deadline: 50 }))));

  async function open(): Promise<{
    provider: DatabaseProvider<Tables>;
    use: (injector: FaultInjector) => void;
  }> {
    let injector: FaultInjector = () => {};
    const inject: FaultInjector = (call) => injector(call);
    const engine: Engine =
      database.name === 'postgres' ? withFaults(postgresEngine, inject) : withFaults(sqliteEngine, inject);
    const url = await database.freshUrl();
    const provider = DatabaseProviderFactory.createProvider<Tables>(url, { engines: [engine] });
    opened.push(provider);
    await sql`create table notes (id integer primary key)`.execute(provider.db);
    return { provider, use: (next) => void (injector = next) };
  }

  const insert = (provider: DatabaseProvider<Tables>, id: number) =>
    provider.transaction((tx) => tx.insertInto('notes').values({ id }).execute());
  const idsOf = async (provider: DatabaseProvider<Tables>) =>
    (await provider.db.selectFrom('notes').select('id').orderBy('id').execute()).map(({ id }) => id);

  for (const kind of ['acquire', 'begin', 'statement', 'commit'] as const satisfies DriverCallKind[]) {
    it(`fail the second ${kind}, and no other`, async () => {
      const { provider, use } = await open();
      const failure = new ConnectionError('a fault of the test');
      use(failNth(2, kind, () => failure));
      await insert(provider, 1);
      expect(await rejectionOf(insert(provider, 2))).to.equal(failure);
      await insert(provider, 3);
      expect(await idsOf(provider)).to.deep.equal([1, 3]);
      expect(provider.stats().busy).to.equal(0);
    });
  }

  it('fail a rollback behind the first error, and nothing of it stays', async () => {
    const { provider, use } = await open();
    let hasFailed = false;
    const makeError = () => {
      hasFailed = true;
      return new ConnectionError('a fault of the test');
    };
    use(failNth(1, 'rollback', makeError));
    const first = new Error('the work');
    const work = provider.transaction(async (tx) => {
      await tx.insertInto('notes').values({ id: 1 }).execute();
      throw first;
    });
    expect(await rejectionOf(work)).to.equal(first);
    expect(hasFailed).to.equal(true);
    // The connection is given up with the transaction, and a database in memory with its connection.
    if (database.name !== 'sqlite-memory') expect(await idsOf(provider)).to.deep.equal([]);
  });

  it('let a retry be tested', async () => {
    const { provider, use } = await open();
    let attempts = 0;
    use(failNth(1, 'commit', () => new SerializationFailureError('a fault of the test')));
    await new UnitOfWork(provider).run(async ({ db }) => {
      attempts += 1;
      await db.insertInto('notes').values({ id: attempts }).execute();
    });
    expect(attempts).to.equal(2);
    expect(await idsOf(provider)).to.deep.equal([2]);
  });

  it('meet statements that stand alone, streams and batches as well', async () => {
    const { provider, use } = await open();
    const calls: DriverCall[] = [];
    use((call) => void calls.push(call));
    await provider.query('select id from notes');
    await provider.exec('insert into notes (id) values (?)', [1]);
    await provider.batch([provider.db.insertInto('notes').values({ id: 2 })]);
    let streamed = 0;
    for await (const _row of provider.db.selectFrom('notes').selectAll().stream(1)) streamed += 1;
    expect(streamed).to.equal(2);
    const texts = calls.filter(({ kind }) => kind === 'statement').map(({ sql: text }) => text ?? '');
    expect(texts.filter((text) => text.startsWith('select'))).to.have.length.greaterThan(2);
    expect(texts.filter((text) => text.startsWith('insert'))).to.have.length(2);
  });

  it('delay and hang the calls that they are meant for', async () => {
    const { provider, use } = await open();
    const clock = new FakeClock();
    use(delayNth(1, 'commit', 1_000, clock));
    let isDone = false;
    const delayed = insert(provider, 1).then(() => (isDone = true));
    await until(() => clock.pending > 0);
    expect(isDone).to.equal(false);
    clock.advance(1_000);
    await delayed;
    use(hangNth(1, 'statement'));
    const hung = provider.query('select id from notes');
    const second = await provider.query('select id from notes');
    expect(second).to.deep.equal([{ id: 1 }]);
    expect(await Promise.race([hung, Promise.resolve('still under way')])).to.equal('still under way');
  });
});

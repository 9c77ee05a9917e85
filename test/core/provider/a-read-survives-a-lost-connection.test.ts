import { expect } from 'chai';
import { CompiledQuery, sql } from 'kysely';
import {
  ConnectionError,
  DatabaseProviderFactory,
  prepare,
  systemClock,
  type Clock,
  type DatabaseProvider,
  type DirectExecutor,
} from '../../../src/core/index.ts';
import { DatabaseRecovery } from '../../../src/core/provider/database-recovery.ts';
import { RetryingExecutor } from '../../../src/core/provider/retrying-executor.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { LateServer } from '../../support/late-server.ts';
import { PostgresCluster } from '../../support/postgres-cluster.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';

interface Tables {
  items: { id: number };
}

/** Sends on the way of Kysely, and counts what is lost. */
class PlainExecutor implements DirectExecutor {
  failures = 0;
  /** Whether the next reply is lost: the statement has run, and its caller hears of a loss. */
  losesReply = false;
  onFailure = (): void => undefined;
  readonly #provider: DatabaseProvider<Tables>;

  constructor(provider: DatabaseProvider<Tables>) {
    this.#provider = provider;
  }

  async execute<Row>(query: CompiledQuery<Row>) {
    try {
      const result = await this.#provider.db.getExecutor().executeQuery(query);
      if (this.losesReply) throw new ConnectionError('The reply was lost.');
      return result;
    } catch (error) {
      this.failures += 1;
      this.onFailure();
      throw error;
    }
  }

  batch(): Promise<never> {
    throw new Error('not used here');
  }
}

function retrying(provider: DatabaseProvider<Tables>, clock: Clock = systemClock) {
  const plain = new PlainExecutor(provider);
  const recovery = new DatabaseRecovery(provider.db, clock);
  return {
    plain,
    direct: new RetryingExecutor(plain, provider.db, clock, { operationTimeout: 0, recovery }),
  };
}

describeOnDatabase('postgres', 'a read survives a lost connection', (database) => {
  let provider: DatabaseProvider<Tables>;
  let proxy: TcpProxy;

  /** A provider behind a proxy, on a database with a table and a function that writes into it. */
  beforeEach(async () => {
    const url = await database.freshUrl();
    proxy = await TcpProxy.listen(url);
    provider = DatabaseProviderFactory.createProvider<Tables>(proxy.urlOf(url));
    await provider.exec('create table items (id bigint primary key)');
    await provider.exec(
      `create function add_item(id bigint) returns bigint language sql as 'insert into items values ($1) returning id'`,
    );
    await provider.exec('insert into items values (1)');
  });
  afterEach(async () => {
    await provider.close({ deadline: 0 });
    await proxy.close();
  });

  /** Cuts the line at the next statement with these words, and leaves it whole from then on. */
  function cutOnce(plain: PlainExecutor, words: string): void {
    proxy.cutReplyTo(words);
    plain.onFailure = () => proxy.cutReplyTo('words that nobody says');
  }

  it('it is sent again, on another connection', async () => {
    const { plain, direct } = retrying(provider);
    cutOnce(plain, '"items"');
    const { rows } = await direct.execute(provider.db.selectFrom('items').selectAll().compile());
    expect(rows).to.deep.equal([{ id: 1 }]);
    expect(plain.failures).to.equal(1);
  });

  it('also as a text of the caller', async () => {
    const { plain, direct } = retrying(provider);
    cutOnce(plain, 'from items');
    expect((await direct.execute(CompiledQuery.raw('select id from items'))).rows).to.deep.equal([{ id: 1 }]);
  });

  const notSentAgain = {
    'a write': () => provider.db.insertInto('items').values({ id: 2 }).compile(),
    'a write as a text': () => CompiledQuery.raw('insert into items values (2)'),
    'a read that locks': () => provider.db.selectFrom('items').selectAll().forUpdate().compile(),
    'a read beside a write': () =>
      provider.db
        .with('added', (db) => db.insertInto('items').values({ id: 2 }).returningAll())
        .selectFrom('added')
        .selectAll()
        .compile(),
  };
  for (const [what, query] of Object.entries(notSentAgain)) {
    it(`but ${what} is not sent again, and its caller hears of the loss at once`, async () => {
      // Its time stands still: whoever paused before another try would pause for ever.
      const { plain, direct } = retrying(provider, new FakeClock());
      plain.losesReply = true;
      expect(await rejectionOf(direct.execute(query()))).to.have.property('message', 'The reply was lost.');
      expect(plain.failures).to.equal(1);
    });
  }

  it('but a SELECT whose function writes has no second effect', async () => {
    const { plain, direct } = retrying(provider);
    plain.losesReply = true;
    const query = provider.db.selectNoFrom(sql<number>`add_item(2)`.as('id')).compile();
    expect(await rejectionOf(direct.execute(query))).to.have.property('message', 'The reply was lost.');
    expect(await provider.query('select id from items')).to.have.lengthOf(2);
  });

  it('and an error of the database is no loss', async () => {
    const { plain, direct } = retrying(provider);
    await rejectionOf(direct.execute(CompiledQuery.raw('select nonsense from items')));
    expect(plain.failures).to.equal(1);
  });
});

describeOnDatabase('postgres', 'a read whose server does not come back', (database) => {
  let server: LateServer;
  let provider: DatabaseProvider<Tables>;

  beforeEach(async () => {
    server = await LateServer.reserve(await database.freshUrl());
    provider = DatabaseProviderFactory.createProvider<Tables>(server.url);
  });
  afterEach(async () => {
    await provider.close({ deadline: 0 });
    await server.close();
  });

  it('is waited for, also by a prepared query and by provider.query', async () => {
    const one = prepare(provider, (db) => db.selectNoFrom(sql<number>`1`.as('one')));
    const reads = Promise.all([provider.query('select 1 as one'), one.execute({})]);
    await new Promise(setImmediate);
    await server.open();
    expect(await reads).to.deep.equal([[{ one: 1 }], [{ one: 1 }]]);
  });

  it('fails after 5 s, and not before', async () => {
    const clock = new FakeClock();
    const start = clock.monotonic();
    let failedAt: number | undefined;
    const failed = rejectionOf(retrying(provider, clock).direct.execute(CompiledQuery.raw('select 1')));
    void failed.then(() => (failedAt = clock.monotonic() - start));
    while (failedAt === undefined) {
      clock.advance(20);
      await new Promise(setImmediate);
    }
    expect(await failed).to.be.instanceOf(ConnectionError);
    expect(failedAt).to.be.within(5_000, 5_100);
  });

  it('fails at once when its caller gives up', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const failed = rejectionOf(
      retrying(provider, new FakeClock()).direct.execute(CompiledQuery.raw('select 1'), { signal }),
    );
    await new Promise(setImmediate);
    controller.abort(new Error('enough'));
    expect(await failed)
      .to.have.property('message')
      .that.matches(/enough|ECONNREFUSED/);
  });

  it('costs no more than the budget allows', async () => {
    const clock = new FakeClock();
    const { plain, direct } = retrying(provider, clock);
    // Ten are there from the start, and 35 calls earn three and a half.
    let failed = 0;
    const all = Array.from({ length: 35 }, () =>
      direct.execute(CompiledQuery.raw('select 1')).catch(() => {
        failed += 1;
      }),
    );
    while (plain.failures < 35 || failed < 22) await new Promise(setImmediate);
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    expect(failed, 'refused without another try').to.equal(22);
    await server.open();
    let isOver = false;
    void Promise.all(all).then(() => (isOver = true));
    await until(() => {
      clock.advance(10);
      return isOver;
    });
    expect(failed).to.equal(22);
  });
});

describeOnDatabase('postgres', 'reads during a restart of the server', () => {
  let cluster: PostgresCluster;
  let provider: DatabaseProvider<Tables>;

  before(async function () {
    this.timeout(60_000);
    cluster = await PostgresCluster.start();
  });
  after(() => cluster.remove());
  beforeEach(() => {
    provider = DatabaseProviderFactory.createProvider<Tables>(cluster.url);
  });
  afterEach(() => provider.close({ deadline: 0 }));

  for (const mode of ['fast', 'immediate'] as const) {
    it(`do not fail, where it is ${mode}`, async function () {
      this.timeout(60_000);
      const { plain, direct } = retrying(provider);
      let reads = 0;
      let stopped = false;
      async function readOn(): Promise<void> {
        while (!stopped) {
          const { rows } = await direct.execute(CompiledQuery.raw('select 1 as one'));
          expect(rows).to.deep.equal([{ one: 1 }]);
          reads += 1;
        }
      }
      // The budget is a share of the traffic, so there must have been some.
      for (let read = 0; read < 500; read += 1) await direct.execute(CompiledQuery.raw('select 1 as one'));
      const workers = Promise.all(Array.from({ length: 20 }, readOn));
      await cluster.restart(mode);
      const before = reads;
      while (reads < before + 200) await Promise.race([workers, new Promise(setImmediate)]);
      stopped = true;
      await workers;
      expect(plain.failures, 'the restart was felt').to.be.above(0);
    });
  }
});

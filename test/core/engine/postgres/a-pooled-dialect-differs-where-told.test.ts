/** What docs/standalone-dialects.md says of Postgres, where Kysely's own dialect does otherwise. */
import { expect } from 'chai';
import { Kysely, sql } from 'kysely';
import {
  CommitOutcomeUnknownError,
  ConfigurationError,
  ConnectionError,
  PoolTimeoutError,
} from '../../../../src/core/index.ts';
import { PooledPostgresDialect } from '../../../../src/core/engine/postgres/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a pooled Postgres dialect differs where told', (postgres) => {
  let connectionString: string;
  let dialect: PooledPostgresDialect;
  let db: Kysely<{ notes: { id: number } }>;

  let proxy: TcpProxy;

  before(async () => {
    connectionString = await postgres.freshUrl();
    proxy = await TcpProxy.listen(connectionString);
  });
  after(() => proxy.close());
  beforeEach(() => {
    ({ db, dialect } = open(20_000));
  });
  afterEach(() => db.destroy());

  function open(acquireTimeout: number) {
    const pool = { max: 1, acquireTimeout };
    const made = new PooledPostgresDialect({ connectionString: proxy.urlOf(connectionString), pool });
    return { dialect: made, db: new Kysely<any>({ dialect: made }) };
  }

  it('replicas are refused, and not passed over in silence', () => {
    // Untyped, as from a file of settings.
    const settings: object = { connectionString, replicas: ['postgres://app@replica.example/app'] };
    expect(() => new PooledPostgresDialect(settings))
      .to.throw(ConfigurationError)
      .with.property('message')
      .that.contains('replicas');
  });

  it('a connection that was cut is a ConnectionError, and for a write nobody knows', async () => {
    await sql`create table notes (id integer)`.execute(db);
    const read = sql`select pg_sleep(30)`;
    const write = sql`insert into notes select 1 from pg_sleep(30)`;
    for (const [query, expected] of [
      [read, ConnectionError],
      [write, CommitOutcomeUnknownError],
    ] as const) {
      const failed = rejectionOf(query.execute(db));
      await until(async () => (await postgres.countSessions(connectionString, 'active')) > 0);
      proxy.cutLines();
      expect(await failed).to.be.instanceOf(expected);
      await postgres.killSessions(connectionString);
    }
    expect((await sql`select 1 as one`.execute(db)).rows).to.deep.equal([{ one: 1 }]);
  });

  it('waiting for a connection has an end', async () => {
    const { db: hasty } = open(2_000);
    await until(() =>
      sql`select 1`.execute(hasty).then(
        () => true,
        () => false,
      ),
    );
    await hasty.transaction().execute(async (tx) => {
      await sql`select 1`.execute(tx);
      expect(await rejectionOf(sql`select 1`.execute(hasty))).to.be.instanceOf(PoolTimeoutError);
    });
    await hasty.destroy();
  });

  it('who aborts leaves the waiting line, and nothing is printed', async () => {
    const printed: unknown[] = [];
    const print = console.error;
    console.error = (...parts: unknown[]) => void printed.push(parts);
    try {
      await db.transaction().execute(async (tx) => {
        await sql`select 1`.execute(tx);
        const controller = new AbortController();
        const waiting = rejectionOf(sql`select 1`.execute(db, { signal: controller.signal }));
        await until(() => dialect.stats().waiting === 1);
        const reason = new Error('mine');
        controller.abort(reason);
        expect(await waiting).to.equal(reason);
        await until(() => dialect.stats().waiting === 0);
      });
    } finally {
      console.error = print;
    }
    expect(printed).to.deep.equal([]);
  });
});

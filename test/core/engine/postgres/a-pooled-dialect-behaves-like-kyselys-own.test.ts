import { expect } from 'chai';
import { Kysely, PostgresDialect, PostgresDriver, sql, type AccessMode, type IsolationLevel } from 'kysely';
import { jsonArrayFrom, jsonObjectFrom } from 'kysely/helpers/postgres';
import pg from 'pg';
import { PooledPostgresDialect } from '../../../../src/core/engine/postgres/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { comparePrograms, refuseToBegin } from '../dialect-comparison.ts';
import {
  collect,
  commonPrograms,
  countPersons,
  fieldsOf,
  jennifer,
  textsOf,
  timingOf,
  type Program,
} from '../dialect-programs.ts';
import { BufferedCursor } from './buffered-cursor.ts';
import { describeOnPostgres } from './postgres-harness.ts';

const slowInsert = sql`with delayed as (select pg_sleep(0.1))
  insert into person (gender) select 'slow' from delayed`;

/** The rest is in other files: a-plain-kysely-notices-no-difference.test.ts has values and callbacks. */
const programs: Readonly<Record<string, Program>> = {
  async 'levels and modes of transactions'(db, { logged }) {
    const levels: IsolationLevel[] = [
      'read uncommitted',
      'read committed',
      'repeatable read',
      'serializable',
    ];
    const modes: AccessMode[] = ['read only', 'read write'];
    const answers: unknown[] = [];
    for (const level of levels) {
      await db
        .transaction()
        .setIsolationLevel(level)
        .execute(async (tx) => {
          answers.push((await sql`show transaction isolation level`.execute(tx)).rows);
        });
    }
    for (const mode of modes) {
      const tx = await db.startTransaction().setAccessMode(mode).execute();
      answers.push((await sql`show transaction_read_only`.execute(tx)).rows);
      await tx.commit().execute();
    }
    return [answers, textsOf(logged)];
  },

  async 'a transaction in which a statement has failed'(db, { describe }) {
    const tx = await db.startTransaction().execute();
    await tx.insertInto('person').values(jennifer).execute();
    const errors = [
      await rejectionOf(sql`select 1 / 0`.execute(tx)),
      await rejectionOf(tx.selectFrom('person').selectAll().execute()),
      await rejectionOf(tx.commit().execute()),
    ];
    const swallowed = await rejectionOf(
      db.transaction().execute(async (other) => {
        await other.insertInto('person').values(jennifer).execute();
        await rejectionOf(sql`select 1 / 0`.execute(other));
      }),
    );
    return [errors.map(describe), describe(swallowed), await countPersons(db)];
  },

  async 'values of many types'(db) {
    const at = new Date('2026-01-02T03:04:05.678Z');
    const columns = sql`${1n << 62n}::bigint as big, ${'12.50'}::numeric as exact, ${[1, 2]}::int[] as list,
      ${['a', null]}::text[] as texts, ${{ a: [1] }}::jsonb as doc, ${JSON.stringify([1])}::json as plain,
      ${Buffer.from('x')}::bytea as bytes, ${at}::timestamptz as at, ${'2026-01-02'}::date as day, ${1.5}::float8 as real,
      ${true}::boolean as yes, ${null}::text as none, ${undefined}::text as missing, '1 day'::interval as span,
      ${'infinity'}::timestamptz as never, ${NaN}::float8 as nan, point(1, 2) as place, '{{1},{2}}'::int[] as deep`;
    return [
      fieldsOf(await sql`select ${columns}`.execute(db)),
      fieldsOf(await sql`select 1 as a, 2 as a`.execute(db)),
      fieldsOf(await sql`select`.execute(db)),
    ];
  },

  async 'several statements in one text'(db, { describe }) {
    return [
      fieldsOf(await sql`create table one (id int); insert into one values (1)`.execute(db)),
      fieldsOf(await sql`select * from one`.execute(db)),
      fieldsOf(await sql`begin; insert into one values (2); commit`.execute(db)),
      fieldsOf(await sql`select * from one`.execute(db)),
      describe(await rejectionOf(sql`select ${1}::int; select 2`.execute(db))),
      fieldsOf(await sql``.execute(db)),
      fieldsOf(await sql`select 1 as one; select 2 as two`.execute(db)),
      fieldsOf(await sql`select 1 as one;`.execute(db)),
      fieldsOf(await sql`insert into one values (3);`.execute(db)),
    ];
  },

  async 'a table that changes under the transactions that read it'(db) {
    const read = () =>
      db.transaction().execute(async (tx) => {
        await sql`select 1`.execute(tx);
        return tx.selectFrom('pet').selectAll().orderBy('id').limit(1).execute();
      });
    const answers: unknown[] = [];
    for (const column of ['a', 'b', 'c']) {
      for (let run = 0; run < 8; run += 1) answers.push(await read());
      await db.selectFrom('pet').selectAll().orderBy('id').limit(1).execute();
      await db.schema.alterTable('pet').addColumn(column, 'text').execute();
    }
    return answers;
  },

  async 'rows of a merge'(db) {
    return db
      .mergeInto('person')
      .using('pet', 'pet.owner_id', 'person.id')
      .whenMatchedAnd('person.id', '=', 1)
      .thenDelete()
      .whenMatched()
      .thenUpdateSet({ children: 7 })
      .executeTakeFirst();
  },

  async 'schemas and documents'(db) {
    await db.schema.createSchema('zoo').execute();
    await db.schema.withSchema('zoo').createTable('pet').addColumn('id', 'integer').execute();
    await sql`insert into zoo.pet values (1)`.execute(db);
    return [
      await db.withSchema('zoo').selectFrom('pet').selectAll().execute(),
      await db
        .selectFrom('person')
        .select((builder) => [
          'first_name',
          jsonArrayFrom(builder.selectFrom('pet').select('name').whereRef('owner_id', '=', 'person.id')).as(
            'pets',
          ),
          jsonObjectFrom(builder.selectFrom('pet').select('name').where('id', '=', -1)).as('none'),
        ])
        .orderBy('id')
        .execute(),
      await db.introspection.getTables(),
      (await db.introspection.getSchemas()).map(({ name }) => name).filter((name) => !name.startsWith('pg_')),
    ];
  },

  async 'what stays on a connection'(db) {
    return db.connection().execute(async (connection) => {
      await sql`create temp table kept (id int)`.execute(connection);
      await sql`set local statement_timeout = 5`.execute(connection);
      await sql`set search_path to pg_catalog, public`.execute(connection);
      return [
        (await sql`select * from kept`.execute(connection)).rows,
        (await sql`show search_path`.execute(connection)).rows,
      ];
    });
  },

  async 'a stream of a write'(db) {
    return [
      await collect(db.updateTable('person').set({ children: 4 }).returning(['id', 'children']).stream(2)),
      await collect(db.deleteFrom('pet').returning('id').stream(1)),
      await countPersons(db),
    ];
  },

  async 'a long stream, left midway'(db) {
    const ids: unknown[] = [];
    const numbers = db.selectFrom(sql<{ n: number }>`generate_series(1, 5000)`.as('n')).selectAll();
    for await (const row of numbers.stream(7)) {
      ids.push(row);
      if (ids.length === 100) break;
    }
    return [ids, await countPersons(db)];
  },

  async 'an abort that leaves the query be'(db) {
    const error = await rejectionOf(slowInsert.execute(db, { signal: AbortSignal.timeout(10) }));
    await until(async () => Number((await countPersons(db)).count) === 4);
    return timingOf(error);
  },

  async 'an abort that cancels the query'(db) {
    const error = await rejectionOf(
      slowInsert.execute(db, {
        signal: AbortSignal.timeout(10),
        inflightQueryAbortStrategy: 'cancel query',
      }),
    );
    await until(async () => (await countBusy(db)) === 0);
    return [timingOf(error), await countPersons(db)];
  },

  async 'an abort that kills the session'(db) {
    const error = await rejectionOf(
      slowInsert.execute(db, {
        signal: AbortSignal.timeout(10),
        inflightQueryAbortStrategy: 'kill session',
      }),
    );
    // Kysely's own may lend the killed connection once more.
    await until(() =>
      countBusy(db).then(
        (count) => count === 0,
        () => false,
      ),
    );
    return [timingOf(error), await countPersons(db)];
  },

  async 'a BEGIN that fails'(db) {
    return refuseToBegin(PostgresDriver, db);
  },
};

async function countBusy(db: Parameters<Program>[0]): Promise<number> {
  const { rows } = await sql`select from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state = 'active'`.execute(db);
  return rows.length;
}

describeOnPostgres('a pooled dialect behaves like Kysely’s own', (postgres) => {
  const printed = console.error;
  // Kysely prints what fails behind an abort, whichever dialect it is.
  before(() => void (console.error = () => {}));
  after(() => void (console.error = printed));

  let connectionString: string;
  before(async () => void (connectionString = await postgres.freshUrl()));
  const empty = () =>
    postgres.askServer(
      connectionString,
      'drop schema if exists zoo cascade; drop schema public cascade; create schema public',
    );

  const own = async () => {
    await empty();
    const pool = new pg.Pool({ connectionString, max: 5 }).on('error', () => {});
    // Without this a session that is killed in use ends the process, where pg has its own way.
    pool.on('connect', (client) => client.on('error', () => {}));
    return new PostgresDialect({ pool, controlClient: pg.Client, cursor: BufferedCursor });
  };
  const pooled = async () => {
    await empty();
    return new PooledPostgresDialect({ connectionString, pool: { max: 5 } });
  };
  comparePrograms({ ...commonPrograms, ...programs }, { own, pooled }, 'serial');

  it('serves one Kysely after the other', async () => {
    const dialect = await pooled();
    for (let use = 0; use < 2; use += 1) {
      await using db = new Kysely<object>({ dialect });
      expect((await sql`select 1 as one`.execute(db)).rows).to.deep.equal([{ one: 1 }]);
      expect(dialect.stats()).to.include({ state: 'running', size: 1 });
    }
    expect(dialect.stats()).to.include({ state: 'closed', size: 0 });
  });
});

/** Each promise is held against Kysely's own dialect on the same server. */
import { expect } from 'chai';
import { Kysely, PostgresDialect, sql, type Dialect, type Generated } from 'kysely';
import pg from 'pg';
import { PooledPostgresDialect } from '../../../../src/core/engine/postgres/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres } from './postgres-harness.ts';

interface Plain {
  things: { id: Generated<number>; big: string | null; doc: unknown; at: Date | null };
}

type Make = (url: string) => Dialect;

const makers: Readonly<Record<string, Make>> = {
  own: (url) => new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 3 }) }),
  pooled: (url) => new PooledPostgresDialect({ connectionString: url, pool: { max: 3 } }),
};

describeOnPostgres('a plain Kysely notices no difference', (postgres) => {
  /** Runs work by each dialect on a database of its own, and expects one answer. */
  async function compare(work: (db: Kysely<Plain>, logged: string[]) => Promise<unknown>): Promise<unknown> {
    const answers: unknown[] = [];
    for (const make of Object.values(makers)) {
      const logged: string[] = [];
      const dialect = make(await postgres.freshUrl());
      const db = new Kysely<Plain>({ dialect, log: ({ query }) => void logged.push(query.sql) });
      try {
        await sql`create table things (id serial primary key, big bigint, doc jsonb, at timestamptz);
          create table others (id integer)`.execute(db);
        answers.push(await work(db, logged));
      } finally {
        await db.destroy();
      }
    }
    expect(answers[1]).to.deep.equal(answers[0]);
    return answers[1];
  }

  it('in values', async () => {
    const at = new Date(1_747_000_000_123);
    const rows = await compare((db) =>
      db
        .insertInto('things')
        .values([
          { big: '9007199254740993', doc: { a: [1, null] }, at },
          { big: null, doc: JSON.stringify('text'), at: null },
        ])
        .returningAll()
        .execute(),
    );
    expect(rows).to.have.nested.property('[0].big', '9007199254740993');
  });

  it('in counts', async () => {
    await compare(async (db) => {
      await db.insertInto('things').values({ big: '1' }).execute();
      return [
        await db.insertInto('things').values({ big: '2' }).executeTakeFirst(),
        await db.updateTable('things').set({ big: '3' }).executeTakeFirst(),
        await db
          .mergeInto('things')
          .using(sql<{ one: number }>`(select 1 as one)`.as('source'), (join) => join.on(sql<boolean>`true`))
          .whenMatched()
          .thenUpdateSet({ big: '4' })
          .executeTakeFirst(),
        await db.deleteFrom('things').executeTakeFirst(),
      ].map((result) => Object.entries(result ?? {}).map(([name, value]) => [name, String(value)]));
    });
  });

  it('in the errors of the server', async () => {
    const [fields] = (await compare(async (db) => {
      const insert = () => db.insertInto('things').values({ id: 1 }).execute();
      await insert();
      const errors = [
        await rejectionOf(insert()),
        await rejectionOf(sql`select * from nothing`.execute(db)),
        await rejectionOf(sql`selec`.execute(db)),
      ];
      return errors.map((error) => {
        const { name, message, code, detail, table, constraint } = error as pg.DatabaseError;
        return { name, message, code, detail, table, constraint, isPg: error instanceof pg.DatabaseError };
      });
    })) as { isPg: boolean }[];
    expect(fields).to.include({ isPg: true });
  });

  it('in transactions, savepoints and what is logged of them', async () => {
    const { logged } = (await compare(async (db, log) => {
      await db
        .transaction()
        .setIsolationLevel('serializable')
        .setAccessMode('read write')
        .execute((tx) => tx.insertInto('things').values({ big: '1' }).execute());
      const failed = await rejectionOf(
        db.transaction().execute(async (tx) => {
          await tx.insertInto('things').values({ big: '2' }).execute();
          throw new Error('mine');
        }),
      );
      const tx = await db.startTransaction().execute();
      const inner = await tx.savepoint('here').execute();
      await inner.deleteFrom('things').execute();
      await inner.rollbackToSavepoint('here').execute();
      await tx.insertInto('things').values({ big: '3' }).execute();
      await (await tx.savepoint('there').execute()).releaseSavepoint('there').execute();
      await tx.commit().execute();
      const rows = await db.selectFrom('things').select('big').orderBy('id').execute();
      return { rows, failed: (failed as Error).message, logged: log };
    })) as { logged: string[] };
    expect(logged).to.include('start transaction isolation level serializable read write');
    expect(logged).to.include.members(['begin', 'commit', 'rollback', 'savepoint "here"']);
  });

  it('in what it is told of the tables', async () => {
    await compare((db) => db.introspection.getTables());
  });

  it('in the stack of an error, which names the caller', async () => {
    await compare(async (db) => {
      async function theCaller(): Promise<void> {
        await sql`select 1 / 0`.execute(db);
      }
      const { stack } = (await rejectionOf(theCaller())) as Error;
      return stack?.includes('theCaller');
    });
  });

  it('and streams', async () => {
    const db = new Kysely<Plain>({ dialect: makers['pooled']!(await postgres.freshUrl()) });
    try {
      await sql`create table things (id serial primary key)`.execute(db);
      await sql`insert into things select generate_series(1, 25)`.execute(db);
      const ids: number[] = [];
      for await (const { id } of db.selectFrom('things').select('id').orderBy('id').stream(10)) ids.push(id);
      expect(ids).to.deep.equal(Array.from({ length: 25 }, (_, index) => index + 1));
    } finally {
      await db.destroy();
    }
  });

  it('and calls back for each connection that is made or taken', async () => {
    const url = await postgres.freshUrl();
    const calls: string[] = [];
    const dialect = new PooledPostgresDialect({
      connectionString: url,
      pool: { max: 1 },
      async onCreateConnection(connection) {
        calls.push('created');
        await connection.executeQuery(sql`set search_path to pg_catalog`.compile(db));
      },
      onReserveConnection() {
        calls.push('reserved');
        return Promise.resolve();
      },
    });
    const db = new Kysely<Plain>({ dialect });
    try {
      for (let use = 0; use < 2; use += 1) {
        const { rows } = await sql`show search_path`.execute(db);
        expect(rows).to.deep.equal([{ search_path: 'pg_catalog' }]);
      }
      expect(calls).to.deep.equal(['created', 'reserved', 'reserved']);
      expect(dialect.stats()).to.include({ size: 1, busy: 0, max: 1 });
    } finally {
      await db.destroy();
    }
  });
});

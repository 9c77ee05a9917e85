import { expect } from 'chai';
import { CompiledQuery, Kysely, sql, type Generated } from 'kysely';
import { join } from 'node:path';
import { ConfigurationError } from '../../../../src/core/index.ts';
import {
  PooledSqliteDialect,
  type PooledSqliteDialectConfig,
} from '../../../../src/core/engine/sqlite/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';

interface Tables {
  notes: { id: Generated<number>; text: string };
}

describe('PooledSqliteDialect serves a plain Kysely', () => {
  const opened: Kysely<Tables>[] = [];

  async function open(config: PooledSqliteDialectConfig = { memory: true }) {
    const dialect = new PooledSqliteDialect(config);
    const db = new Kysely<Tables>({ dialect });
    opened.push(db);
    await sql`create table if not exists notes (id integer primary key, text text not null)`.execute(db);
    return { db, dialect };
  }

  afterEach(() => Promise.all(opened.splice(0).map((db) => db.destroy())));

  const freshFile = () => join(makeTempDirectory('dialect'), 'a.db');

  for (const name of ['file', 'memory'] as const) {
    it(`in a ${name}, with transactions, savepoints, streams and introspection`, async () => {
      const { db } = await open(name === 'file' ? { filename: freshFile() } : { memory: true });
      const added = await db.insertInto('notes').values({ text: 'a' }).executeTakeFirst();
      expect(added).to.include({ insertId: 1n, numInsertedOrUpdatedRows: 1n });
      const tx = await db.startTransaction().execute();
      await tx.insertInto('notes').values({ text: 'b' }).execute();
      const inner = await tx.savepoint('here').execute();
      await inner.insertInto('notes').values({ text: 'c' }).execute();
      await inner.rollbackToSavepoint('here').execute();
      await tx.commit().execute();
      const seen: string[] = [];
      for await (const { text } of db.selectFrom('notes').select('text').stream()) seen.push(text);
      expect(seen).to.deep.equal(['a', 'b']);
      const [table] = await db.introspection.getTables();
      expect(table?.columns.map((column) => column.name)).to.deep.equal(['id', 'text']);
    });
  }

  it('and sets each new connection up as it is told', async () => {
    let calls = 0;
    const { db, dialect } = await open({
      filename: freshFile(),
      async onCreateConnection(connection) {
        calls += 1;
        await connection.executeQuery(CompiledQuery.raw('create temp table own (id integer)'));
      },
    });
    await db.selectFrom('notes').selectAll().execute();
    expect(calls).to.equal(dialect.stats().size).and.equal(2);
    expect((await sql`select * from own`.execute(db)).rows).to.deep.equal([]);
  });

  it('and closes with it', async () => {
    const { db, dialect } = await open({ filename: freshFile(), pool: { max: 3 } });
    expect(dialect.stats()).to.include({ size: 1, max: 3 });
    await db.destroy();
    expect(dialect.stats()).to.include({ size: 0, state: 'closed' });
    expect(await rejectionOf(db.selectFrom('notes').selectAll().execute())).to.be.instanceOf(Error);
  });

  it('and refuses settings that it does not know', () => {
    expect(() => new PooledSqliteDialect({})).to.throw(ConfigurationError, /filename/);
    expect(() => new PooledSqliteDialect({ filename: 'a.db', odd: 1 } as object)).to.throw(
      ConfigurationError,
      /odd/,
    );
  });
});

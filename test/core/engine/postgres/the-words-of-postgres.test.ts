import { expect } from 'chai';
import { sql, type Expression, type SqlBool } from 'kysely';
import type { ColumnKind } from '../../../../src/core/index.ts';
import { advisoryLockKey } from '../../../../src/core/engine/postgres/postgres-advisory-lock.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('the words of Postgres', (postgres) => {
  it('isIn takes every kind that a list can be of, as one parameter', async () => {
    const provider = await postgres.open();
    const id = '018f0000-0000-7000-8000-00000000000a';
    const cases: [Expression<unknown>, (string | number)[], ColumnKind][] = [
      [sql`cast(${id} as uuid)`, [id, id.toUpperCase()], 'uuid'],
      [sql`cast('{"a",\\' as text)`, ['{"a",\\', 'NULL', ''], 'text'],
      [sql`cast(${Number.MAX_SAFE_INTEGER} as bigint)`, [Number.MAX_SAFE_INTEGER, 0], 'integer'],
      [sql`cast(${0.1} as double precision)`, [0.1, 1e300], 'real'],
    ];
    for (const [value, list, kind] of cases) {
      const found = async (values: (string | number)[]) => {
        const parameters = provider.sql.listParameters(values, kind).map((parameter) => sql`${parameter}`);
        const query = sql<{ found: SqlBool }>`select ${provider.sql.isIn(value, parameters, kind)} as found`;
        const compiled = query.compile(provider.db);
        expect(compiled.parameters.filter((parameter) => Array.isArray(parameter))).to.have.length(1);
        return (await query.execute(provider.db)).rows[0]?.found;
      };
      expect(await found(list)).to.equal(true);
      expect(await found(list.slice(1, 1))).to.equal(false);
    }
  });

  it('an index into JSON beyond any array finds nothing', async () => {
    const provider = await postgres.open();
    const column = sql`jsonb '["a"]'`;
    const { rows } = await sql`select ${provider.sql.jsonString(column, [Number.MAX_SAFE_INTEGER])} as text,
      ${provider.sql.jsonString(column, [0])} as first`.execute(provider.db);
    expect(rows).to.deep.equal([{ text: null, first: 'a' }]);
  });

  it('text columns are compared by their bytes, whatever the order of the database', async () => {
    const provider = await postgres.open();
    const t = provider.migrations.columns.table('words');
    await provider.db.schema.createTable('words').addColumn('word', t.text('word')).execute();
    await provider.exec(`insert into words values ('b'), ('a'), ('B'), ('é'), ('_')`);
    const rows = await provider.query<{ word: string }>('select word from words order by word');
    expect(rows.map(({ word }) => word)).to.deep.equal(['B', '_', 'a', 'b', 'é']);
  });

  it('a full-text table can be dropped, and made again', async () => {
    const provider = await postgres.open();
    const { columns } = provider.migrations;
    await provider.exec('create table owners (id uuid primary key)');
    for (let round = 0; round < 2; round += 1) {
      const db = provider.db as never;
      await columns.createFullTextTable(db, { name: 'found', owner: 'owner_id', ownerTable: 'owners' });
      expect(
        await provider.query(`select indexdef like '%gin%' as gin from pg_indexes where indexname = ?`, [
          'found_document_index',
        ]),
      ).to.deep.equal([{ gin: true }]);
      await columns.dropFullTextTable(db, 'found');
    }
  });

  it('the key of a lock is the same for ever: running processes hold it', () => {
    // printf %s 'liminal-data:migrate:chat' | sha256sum
    expect(advisoryLockKey('liminal-data:migrate:chat')).to.equal(-6590172309526702266n);
  });
});

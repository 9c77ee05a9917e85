import { expect } from 'chai';
import { sql, type Kysely } from 'kysely';
import {
  ColumnsOutOfStepError,
  LiminalDataError,
  NotNullViolationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openUntyped } from './sample-history.ts';

const rename = { from: 'name', to: 'full_name' };

describeOnEachDatabase('the old column of an expansion', (database) => {
  let provider: DatabaseProvider<any>;
  let tables = 0;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
  });

  after(() => provider.close());

  const t = () => provider.migrations.columns;

  async function makeTable(definition: string): Promise<string> {
    tables += 1;
    const table = `things_${tables}`;
    await sql`create table ${sql.id(table)} (id integer primary key, name ${sql.raw(definition)}, other integer default 0)`.execute(
      provider.db,
    );
    return table;
  }

  const expand = (table: string): Promise<void> =>
    provider.transaction((tx) => t().expandColumn(tx, { table, ...rename, column: (c) => c.text() }));
  const read = async (table: string) =>
    (await sql`select name, full_name from ${sql.id(table)} order by id`.execute(provider.db)).rows;

  it('stays while a row does not agree', async () => {
    const table = await makeTable('text');
    await provider.db.insertInto(table).values({ id: 0, name: 'a' }).execute();
    await expand(table);
    const error = await rejectionOf(
      provider.transaction((tx) => t().contractColumn(tx, { table, ...rename })),
    );
    expect(error).to.be.instanceOf(ColumnsOutOfStepError);
    expect(error).to.include({ table, from: 'name', to: 'full_name' });
    expect(await read(table)).to.deep.equal([{ name: 'a', full_name: null }]);
    await provider.db.updateTable(table).set({ name: 'b' }).execute();
    expect(await read(table)).to.deep.equal([{ name: 'b', full_name: 'b' }]);
  });

  it('stays where the new one has a NULL, and old programs write on', async () => {
    const table = await makeTable('text');
    await expand(table);
    await provider.db.insertInto(table).values({ id: 1 }).execute();
    const contract = (db: Kysely<any>): Promise<void> =>
      t().contractColumn(db, { table, ...rename, notNull: true });
    expect(await rejectionOf(provider.db.connection().execute(contract))).to.be.instanceOf(LiminalDataError);
    await provider.db.insertInto(table).values({ id: 2, name: null }).execute();
    await provider.db.deleteFrom(table).execute();
    await sql`create view ${sql.id(`${table}_view`)} as select name from ${sql.id(table)}`.execute(
      provider.db,
    );
    expect(await rejectionOf(provider.db.connection().execute(contract))).to.be.instanceOf(LiminalDataError);
    await provider.db.insertInto(table).values({ id: 3, name: null }).execute();
    expect(await read(table)).to.deep.equal([{ name: null, full_name: null }]);
    await sql`drop view ${sql.id(`${table}_view`)}`.execute(provider.db);
  });

  for (const isTransaction of [true, false]) {
    it(`goes, and the new one is NOT NULL, ${isTransaction ? 'in a transaction' : 'without one, and run again'}`, async () => {
      const table = await makeTable('text not null');
      await sql`create index ${sql.id(`${table}_name`)} on ${sql.id(table)} (other, name)`.execute(
        provider.db,
      );
      await expand(table);
      await provider.db.insertInto(table).values({ id: 1, name: 'a' }).execute();
      const contract = (db: Kysely<any>): Promise<void> =>
        t().contractColumn(db, { table, ...rename, notNull: true });
      if (isTransaction) await provider.transaction(contract);
      else {
        await provider.db.connection().execute(contract);
        await provider.db.connection().execute(contract);
      }
      expect(await provider.db.selectFrom(table).selectAll().execute()).to.deep.equal([
        { id: 1, full_name: 'a', other: 0 },
      ]);
      const insert = provider.db.insertInto(table).values({ id: 2 }).execute();
      expect(await rejectionOf(insert)).to.be.instanceOf(NotNullViolationError);
      const tablesNow = await provider.db.introspection.getTables();
      const column = tablesNow
        .find(({ name }) => name === table)
        ?.columns.find(({ name }) => name === 'full_name');
      expect(column?.isNullable).to.equal(false);
    });
  }
});

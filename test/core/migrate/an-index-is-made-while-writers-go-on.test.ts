import { expect } from 'chai';
import { sql } from 'kysely';
import { UniqueViolationError, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { migrate } from './in-a-migration.ts';
import { openUntyped } from './sample-history.ts';

async function openThings(url: string): Promise<DatabaseProvider<any>> {
  const provider = openUntyped(url);
  await migrate(provider, (trx, t) =>
    t.createTable(trx, 'things', (c) => ({ id: c.integer(), title: c.text() }), { primaryKey: ['id'] }),
  );
  return provider;
}

describeOnEachDatabase('an index is made while writers go on', (database) => {
  let provider: DatabaseProvider<any>;

  before(async () => {
    provider = await openThings(await database.freshUrl());
  });

  after(() => provider.close());

  it('and made again it stays as it is', async () => {
    const t = provider.migrations.columns;
    await t.createIndexConcurrently(provider.db, 'things', ['title']);
    await t.createIndexConcurrently(provider.db, 'things', ['title']);
    await provider.exec('drop index things_title_index');
  });

  it('but not inside of a transaction', async () => {
    const error = await rejectionOf(
      migrate(provider, (trx, t) => t.createIndexConcurrently(trx, 'things', ['title'])),
    );
    expect(error).to.be.instanceOf(ValidationError);
    expect((error as ValidationError).message).to.include('`transaction: false`');
  });
});

describeOnDatabase('postgres', 'an index that a failed run left unusable', (database) => {
  let provider: DatabaseProvider<any>;

  before(async () => {
    provider = await openThings(await database.freshUrl());
  });

  after(() => provider.close());

  const readValidity = async () => {
    const { rows } = await sql<{ valid: boolean }>`
      select indisvalid as valid from pg_index where indexrelid = to_regclass('things_title_index')`.execute(
      provider.db,
    );
    return rows.map(({ valid }) => valid);
  };

  it('is made anew by the next run', async () => {
    const t = provider.migrations.columns;
    const make = () => t.createIndexConcurrently(provider.db, 'things', { columns: ['title'], unique: true });
    await provider.exec("insert into things values (1, 'twice'), (2, 'twice')");
    expect(await rejectionOf(make())).to.be.instanceOf(UniqueViolationError);
    expect(await readValidity()).to.deep.equal([false]);
    await provider.exec('delete from things where id = 2');
    await make();
    expect(await readValidity()).to.deep.equal([true]);
  });

  it('is left alone where it is one of another table', async () => {
    await migrate(provider, (trx, t) =>
      t.createTable(trx, 'others', (c) => ({ id: c.id(), title: c.text() }), {
        indexes: [{ columns: ['title'], name: 'taken' }],
      }),
    );
    const t = provider.migrations.columns;
    const error = await rejectionOf(
      t.createIndexConcurrently(provider.db, 'things', { columns: ['title'], name: 'taken' }),
    );
    expect(error).to.be.instanceOf(ValidationError);
    expect((error as ValidationError).message).to.include('another table');
  });
});

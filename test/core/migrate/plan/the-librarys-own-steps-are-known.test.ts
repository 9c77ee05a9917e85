import { expect } from 'chai';
import { sql } from 'kysely';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import type { NamedMigration } from '../../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../../support/database.ts';
import { migrate } from '../in-a-migration.ts';
import { openUntyped } from '../sample-history.ts';
import { codesOf, planOf } from './plan-for-show.ts';

const rename = { table: 'labels', from: 'title', to: 'name' };
const terms = { irreversible: 'it is gone', destructive: 'it is elsewhere' };

const expand: NamedMigration = {
  name: '0001-expand',
  up: (db, t) => t.expandColumn(db, { ...rename, column: (c) => c.text() }),
  down: (db, t) => t.abandonExpansion(db, rename),
};

const contract: NamedMigration = {
  name: '0002-contract',
  transaction: false,
  up: (db, t) => t.contractColumn(db, { ...rename, notNull: true }),
  ...terms,
};

const rebuild: NamedMigration = {
  name: '0003-rebuild',
  foreignKeys: 'off',
  up: (db, t) =>
    t.rebuildTable(db, 'labels', (c) => ({ id: c.id(), title: c.text() }), {
      drop: { columns: ['color'] },
      alter: async () => {
        await sql`alter table labels drop column color`.execute(db);
      },
    }),
  ...terms,
};

describeOnEachDatabase("the library's own steps are known to a plan", (database) => {
  let provider: DatabaseProvider<any>;
  const isPostgres = database.name === 'postgres';

  beforeEach(async () => {
    provider = openUntyped(await database.freshUrl());
    await migrate(provider, (trx, t) =>
      t.createTable(trx, 'labels', (c) => ({ id: c.id(), title: c.text(), color: c.nullable(c.text()) })),
    );
  });

  afterEach(() => provider.close());

  async function codesOfPlan(migration: NamedMigration, direction?: 'down'): Promise<readonly string[]> {
    const plan = await planOf(provider, [migration], direction);
    expect(plan.error?.cause).to.equal(undefined);
    return codesOf(plan);
  }

  it('expandColumn, with nothing to say of it', async () => {
    expect(await codesOfPlan(expand)).to.deep.equal([]);
  });

  it('contractColumn, with the column that goes', async () => {
    await migrate(provider, expand.up);
    const reads = isPostgres ? [] : ['set-not-null'];
    expect(await codesOfPlan(contract)).to.deep.equal(['drop-column', ...reads]);
  });

  it('abandonExpansion, with the column that goes and the one that is NOT NULL again', async () => {
    await migrate(provider, expand.up);
    const reads = isPostgres ? [] : ['set-not-null'];
    expect(await codesOfPlan(expand, 'down')).to.deep.equal(['drop-column', ...reads]);
  });

  it('rebuildTable, with what it loses', async () => {
    expect(await codesOfPlan(rebuild)).to.deep.equal([isPostgres ? 'drop-column' : 'rebuild-table']);
  });
});

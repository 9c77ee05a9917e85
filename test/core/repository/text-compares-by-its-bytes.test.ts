import { expect } from 'chai';
import {
  DatabaseProviderFactory,
  Repository,
  ValidationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

interface Word {
  id: number;
  text: string;
  data: string;
}

interface Tables {
  words: Word;
  others: Word;
}

const texts = ['a', 'B', 'é', 'Z', 'z'];
const byBytes = ['B', 'Z', 'a', 'z', 'é'];

describeOnEachDatabase('text compares by its bytes', (database) => {
  let provider: DatabaseProvider<Tables>;

  function repositoryOf<Table extends keyof Tables>(table: Table) {
    return new Repository<Tables, Table, Word, { data: { word: string } }>(provider, {
      table,
      key: 'id' as never,
      columns: { id: 'integer', text: 'text', data: 'json' } as never,
      mapper: { fromRow: (row) => row as Word, toRow: (word) => word as never },
    });
  }

  before(async () => {
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
    for (const table of ['words', 'others'] as const) {
      const t = provider.migrations.columns.table(table);
      await provider.db.schema
        .createTable(table)
        .addColumn('id', t.integer('id'), (column) => column.notNull().primaryKey())
        .addColumn('text', t.text('text'), (column) => column.notNull())
        .addColumn('data', t.json('data'), (column) => column.notNull())
        .modifyEnd(t.end)
        .execute();
    }
    const words = texts.map((text, id) => ({ id, text, data: JSON.stringify({ word: text }) }));
    await repositoryOf('words').insertMany(words);
    await repositoryOf('others').insertMany(words);
  });

  after(() => provider.close());

  it('in orders and comparisons, whatever the collation of the database is', async () => {
    const words = repositoryOf('words');
    const ordered = await words.findMany({}, { orderBy: 'text' as never });
    expect(ordered.map(({ text }) => text)).to.deep.equal(byBytes);
    const upper = await words.findMany({ text: { lt: 'a' } }, { orderBy: 'text' as never });
    expect(upper.map(({ text }) => text)).to.deep.equal(['B', 'Z']);
  });

  it('inside of JSON as well', async () => {
    const words = repositoryOf('words');
    const upper = await words.findMany({ data: { path: ['word'], lt: 'a' } } as never);
    expect(upper.map(({ text }) => text).sort()).to.deep.equal(['B', 'Z']);
  });

  it('and a cursor serves the table that it came from alone', async () => {
    const page = await repositoryOf('words').page({}, { limit: 2 });
    const foreign = repositoryOf('others').page({}, { limit: 2, after: page.nextCursor });
    expect(await rejectionOf(foreign)).to.be.instanceOf(ValidationError);
  });
});

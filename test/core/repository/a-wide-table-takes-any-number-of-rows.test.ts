import { expect } from 'chai';
import { DatabaseProviderFactory } from '../../../src/core/provider/database-provider-factory.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { Repository } from '../../../src/core/repository/repository.ts';
import { describeOnEachDatabase } from '../../support/database.ts';

// More than either engine takes in one statement, with a thousand rows.
const width = 80;
const names = Array.from({ length: width }, (_, index) => `c${index}`);

type WideRow = Record<string, number>;
interface Tables {
  wide: WideRow;
}

describeOnEachDatabase('a wide table takes any number of rows', (database) => {
  let provider: DatabaseProvider<Tables>;
  const inserts: string[] = [];

  before(async () => {
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl(), {
      onStatement: ({ sql }) => void (sql.startsWith('insert') && inserts.push(sql)),
    });
    await provider.exec(`create table wide (${names.map((name) => `${name} bigint not null`).join(', ')})`);
  });

  after(() => provider.close());

  it('in statements that are as long as the engine takes them, and no longer', async () => {
    const wide = new Repository<Tables, 'wide', WideRow, unknown, string>(provider, {
      table: 'wide',
      key: 'c0',
      columns: Object.fromEntries(names.map((name) => [name, 'integer'])) as never,
      mapper: { fromRow: (row) => row, toRow: (row) => row },
    });
    const rowAt = (index: number): WideRow =>
      Object.fromEntries(names.map((name, column) => [name, index * width + column]));
    const perStatement = Math.floor(provider.sql.maxParameters / width);
    const rows = Array.from({ length: perStatement * 2 + 7 }, (_, index) => rowAt(index));
    expect(await wide.insertMany(rows)).to.equal(rows.length);
    expect(inserts).to.have.length(3);
    expect(await wide.findMany({})).to.deep.equal(rows);
  });
});

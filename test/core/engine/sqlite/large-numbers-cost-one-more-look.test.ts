import Database from 'better-sqlite3';
import { expect } from 'chai';
import { UnsafeIntegerError } from '../../../../src/core/index.ts';
import { requireSafeIntegers } from '../../../../src/core/engine/sqlite/sqlite-integers.ts';

type Row = Record<string, unknown>;

describe('a number that may have been rounded costs one more look a column, not a row', () => {
  const count = 50;
  let database: Database.Database;
  let looks: number;

  beforeEach(() => {
    looks = 0;
    database = new Database(':memory:');
    database.function('looked', { deterministic: false }, () => {
      looks += 1;
      return 1n;
    });
  });

  afterEach(() => database.close());

  const many = (value: string) =>
    database.prepare<unknown[], Row>(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
       select i, ${value} * looked() as big from n`,
    );

  it('for rows that come together', () => {
    const statement = many('1e300');
    requireSafeIntegers(statement.all(), statement, []);
    expect(looks).to.equal(2 * count);
  });

  it('for rows that come one by one', () => {
    const statement = many('1e300');
    const reals = new Set<string>();
    for (const row of statement.all()) requireSafeIntegers([row], statement, [], reals);
    expect(looks).to.equal(2 * count);
  });

  it('and a rounded integer is found in whichever row', () => {
    const statement = many(`case when i = ${count} then 9007199254740993 else 1e300 end`);
    const rows = statement.all();
    expect(() => requireSafeIntegers(rows, statement, [])).to.throw(UnsafeIntegerError);
  });
});

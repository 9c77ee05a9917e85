import { expect } from 'chai';
import { copyDatabase, verifyCopy, type BadRow } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { useHandMade } from './hand-made.ts';

const schema = ['create table a (k text, n text, x integer, primary key (k, n))'];
// More than are read at once, so that the last one of a page is among them.
const values = Array.from(
  { length: 120 },
  (_, place) => `(${place % 2 === 0 ? 'null' : "'k'"}, null, ${place})`,
);
const rows = `insert into a values ${values.join()}, ('k', 'n', 1), ('z', 'n', 2)`;

describeOnDatabase('sqlite-file', 'rows whose key is NULL', (sqlite) => {
  const make = useHandMade();

  it('are copied between two of SQLite, which lets them in', async () => {
    const source = await make(await sqlite.freshUrl(), [...schema, rows]);
    const target = await make(await sqlite.freshUrl(), schema);
    const report = await copyDatabase(source, target);
    expect(report).to.include({ rows: 122 });
    expect(report.changed).to.deep.equal([]);
  });

  it('hide no difference behind them', async () => {
    const source = await make(await sqlite.freshUrl(), [...schema, rows]);
    const target = await make(await sqlite.freshUrl(), [...schema, rows]);
    const isEqual = async () => (await verifyCopy(source, target)).isEqual;
    expect(await isEqual()).to.equal(true);
    for (const where of [`k = 'z'`, `k is null and x = 118`, `k = 'k' and n is null and x = 1`]) {
      await target.exec(`update a set x = x + 1000 where ${where}`);
      expect(await isEqual(), where).to.equal(false);
      await target.exec('update a set x = x - 1000 where x >= 1000');
    }
  });

  describeOnDatabase('postgres', 'into a server', (postgres) => {
    it('are told', async () => {
      const source = await make(await sqlite.freshUrl(), [...schema, rows]);
      const target = await make(await postgres.freshUrl(), schema);
      const bad: BadRow[] = [];
      await copyDatabase(source, target, { badRows: 'quarantine', onBadRow: (row) => void bad.push(row) });
      expect(bad).to.have.length(120);
      expect(new Set(bad.map(({ reason }) => reason))).to.deep.equal(new Set(['null-not-allowed']));
    });
  });
});

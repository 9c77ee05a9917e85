import { expect } from 'chai';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { useHandMade } from './hand-made.ts';

const column = '"a""b, c.d as e"';
const tables = [
  'parent',
  'Parent',
  'as',
  'Order',
  'with space',
  "it's",
  'quo"ted',
  'dotted.name',
  'one as other',
  'Ünïcode',
  '\\back',
  'x'.repeat(60),
];

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

for (const names of [
  ['sqlite-file', 'postgres'],
  ['postgres', 'sqlite-file'],
] as const) {
  describeOnDatabase(names[0], 'a table', (from) => {
    describeOnDatabase(names[1], 'into', (to) => {
      const make = useHandMade();

      it('is copied whatever it is called, with the rows that refer to each other', async () => {
        // SQLite tells no large letters from small ones.
        for (const some of [tables.filter((name) => name !== 'Parent'), ['Parent']]) {
          const schema = some.map(
            (name) => `create table ${quote(name)} ("select" integer primary key, ${column} text,
              parent integer references ${quote(name)} ("select"))`,
          );
          const rows = some.map(
            (name) => `insert into ${quote(name)} values (1, 'one', null), (2, 'two', 1), (3, 'three', 2)`,
          );
          const source = await make(await from.freshUrl(), [...schema, ...rows]);
          const target = await make(await to.freshUrl(), schema);
          const report = await copyDatabase(source, target, { badRows: 'quarantine' });
          expect(report).to.include({ rows: 3 * some.length, quarantined: 0 });
          expect(report.changed).to.deep.equal([]);
        }
      });
    });
  });
}

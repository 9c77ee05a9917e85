import { expect } from 'chai';
import { sql } from 'kysely';
import { copyDatabase, verifyCopy } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { useHandMade } from './hand-made.ts';

/** Values of a column, as they stand in SQL, and how they lie in quarantine. */
const values: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  numeric: {
    '9007199254740993': '9007199254740993',
    '0.1 + 0.2': '0.30000000000000004',
    '9e999': 'Inf',
    '7': '7',
  },
  // Of no affinity.
  '': {
    '9223372036854775807': '9223372036854775807',
    '1.0': '1.0',
    '1': '1',
    "'1'": '1',
    "x'31ff'": '\\x31ff',
  },
  datetime: {
    '9007199254740993': '9007199254740993',
    '463222847699.89': '463222847699.89002',
    "'now'": 'now',
  },
  real: { '1.0': '1', '463222847699.89': '463222847699.89' },
  text: { "'a' || char(0)": 'a\0', "'1.0'": '1.0' },
};

describeOnDatabase('sqlite-file', 'a row that refers to nothing', (sqlite) => {
  const make = useHandMade();

  for (const [type, kept] of Object.entries(values)) {
    it(`lies in quarantine with all that it held (${type || 'no type'})`, async () => {
      const schema = [
        'create table parents (id integer primary key)',
        `create table a (id integer primary key, x ${type}, parent_id integer references parents)`,
      ];
      const rows = Object.keys(kept).map((value, id) => `(${id}, ${value}, 5)`);
      const source = await make(await sqlite.freshUrl(), schema);
      await source.db.connection().execute(async (connection) => {
        await sql`pragma foreign_keys = off`.execute(connection);
        await sql.raw(`insert into a values ${rows.join()}`).execute(connection);
        await sql`pragma foreign_keys = on`.execute(connection);
      });
      const target = await make(await sqlite.freshUrl(), schema);
      const report = await copyDatabase(source, target, { badRows: 'quarantine' });
      expect(report).to.deep.include({ rows: 0, quarantined: rows.length, changed: [] });
      const texts = await target.query<{ text: string }>('select text from liminal_copy_quarantine');
      const found = texts
        .map(({ text }) => (JSON.parse(text) as { row: Record<string, string> }).row)
        .sort((a, b) => Number(a['id']) - Number(b['id']))
        .map((row) => row['x']);
      expect(found).to.deep.equal(Object.values(kept));
      expect((await verifyCopy(source, target)).isEqual).to.equal(true);
    });
  }
});

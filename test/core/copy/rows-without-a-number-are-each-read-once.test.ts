import { expect } from 'chai';
import { copyDatabase, verifyCopy } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { useHandMade } from './hand-made.ts';

// More than are read at once, so that pages end among them.
const places = Array.from({ length: 120 }, (_, place) => place);

/** Tables WITHOUT ROWID, and rows whose keys are ordered or compared otherwise than they are read. */
const tables: Readonly<Record<string, { readonly schema: string; readonly keys: readonly string[] }>> = {
  'a key of integers that holds bytes': {
    schema: 'create table a (k integer primary key, x integer) without rowid',
    keys: places.map((place) => `x'${place.toString(16).padStart(4, '0')}'`),
  },
  'a key of texts that are no UTF-8': {
    schema: 'create table a (k text primary key, x integer) without rowid',
    keys: places.map((place) => `cast(x'ff${place.toString(16).padStart(4, '0')}' as text)`),
  },
  'a key that tells letters apart that its column does not': {
    schema: 'create table a (k text collate nocase, x integer, primary key (k collate binary)) without rowid',
    keys: places.flatMap((place) => [`'k${place}'`, `'K${place}'`]),
  },
  'a key of integers in a STRICT table': {
    schema: 'create table a (k integer primary key, x integer) strict, without rowid',
    keys: places.map(String),
  },
};

describeOnDatabase('sqlite-file', 'rows without a number are each read once', (sqlite) => {
  const make = useHandMade();

  for (const [name, { schema, keys }] of Object.entries(tables)) {
    it(name, async () => {
      const rows = `insert into a values ${keys.map((key, place) => `(${key}, ${place})`).join()}`;
      const source = await make(await sqlite.freshUrl(), [schema, rows]);
      const target = await make(await sqlite.freshUrl(), [schema, rows]);
      const { tables: compared, isEqual } = await verifyCopy(source, target);
      expect(isEqual).to.equal(true);
      expect(compared[0]?.from.rows).to.equal(keys.length);
      for (const place of [0, 31, 32, keys.length - 1]) {
        await target.exec('update a set x = -1 where x = ?', [place]);
        expect((await verifyCopy(source, target)).isEqual, `row ${place}`).to.equal(false);
        await target.exec('update a set x = ? where x = -1', [place]);
      }
    });
  }

  it('and so are those that are copied', async () => {
    const { schema, keys } = tables['a key of integers in a STRICT table']!;
    const source = await make(await sqlite.freshUrl(), [
      schema,
      `insert into a values ${keys.map((key) => `(${key}, 1)`).join()}`,
    ]);
    const target = await make(await sqlite.freshUrl(), [schema]);
    expect(await copyDatabase(source, target)).to.include({ rows: keys.length });
  });
});

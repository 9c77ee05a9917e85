import { expect } from 'chai';
import { describeOnDatabase } from '../../support/database.ts';
import { openUntyped } from './sample-history.ts';

for (const name of ['sqlite-file', 'sqlite-memory'] as const) {
  describeOnDatabase(name, 'two columns of an expansion on SQLite', (database) => {
    it('agree by their bytes, in tables of any shape', async () => {
      await using provider = openUntyped(await database.freshUrl());
      const { columns: t } = provider.migrations;
      const shapes = {
        cased: ['id integer primary key, name text collate nocase', 'id'],
        keyed: ['a text, b integer, name text, primary key (a, b)', 'a, b', 'without rowid, strict'],
        shadowed: ['rowid text, _rowid_ text primary key, name text', 'rowid, _rowid_'],
        crowded: ['rowid text, _rowid_ text, oid text, name text, primary key (rowid, oid)', 'rowid, oid'],
      };
      for (const [table, [definition, key = '', terms = '']] of Object.entries(shapes)) {
        await provider.exec(`create table ${table} (${definition}) ${terms}`);
        await provider.transaction((tx) =>
          t.expandColumn(tx, { table, from: 'name', to: 'full_name', column: (c) => c.text() }),
        );
        const [first = '', second] = key.split(', ');
        for (const id of [1, 2])
          await provider.exec(
            `insert into ${table} (${key}, name) values (${second === undefined ? id : `${id}, ${id}`}, 'a')`,
          );
        await provider.exec(`update ${table} set name = 'A' where ${first} = '1'`);
        const rows = await provider.query(`select name, full_name from ${table} order by ${first}`);
        expect(rows, table).to.deep.equal([
          { name: 'A', full_name: 'A' },
          { name: 'a', full_name: 'a' },
        ]);
      }
    });
  });
}

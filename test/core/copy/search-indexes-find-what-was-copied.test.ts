import { expect } from 'chai';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { useHandMade } from './hand-made.ts';

const indexes = {
  quoted: `fts5 (body, content = 'pages', content_rowid = 'id')`,
  plain: 'FTS5(body, content=pages, content_rowid=id)',
  bracketed: 'fts5(body, content=[pages], content_rowid=id)',
  backticked: 'fts5(body, content=`pages`, content_rowid=id)',
  older: 'fts4(content="pages", body)',
};
const schema = [
  'create table pages (id integer primary key, body text)',
  ...Object.entries(indexes).flatMap(([name, using]) => [
    `create virtual table ${name} using ${using}`,
    `create trigger ${name}_fills after insert on pages begin
       insert into ${name} (rowid, body) values (new.id, new.body); end`,
  ]),
  `create virtual table apart using fts5(body, content='')`,
];

describeOnDatabase('sqlite-file', 'a search index over the rows of a table', (sqlite) => {
  const make = useHandMade();

  it('finds what was copied, and what comes later, however it was written down', async () => {
    const source = await make(await sqlite.freshUrl(), [
      ...schema,
      `insert into pages values (1, 'first words'), (2, 'more words')`,
    ]);
    const target = await make(await sqlite.freshUrl(), schema);
    await copyDatabase(source, target);
    await target.exec(`insert into pages values (3, 'last words')`);
    for (const name of Object.keys(indexes)) {
      const found = await target.query(
        `select rowid from ${name} where ${name} match 'words' order by rowid`,
      );
      expect(found, name).to.have.length(3);
    }
  });
});

import { expect } from 'chai';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { useHandMade } from './hand-made.ts';

const schema = [
  'create table parents (id integer primary key, amount double precision)',
  'create table children (id integer primary key, parent_id integer references parents)',
];

describeOnDatabase('postgres', 'a row whose parent did not fit', (postgres) => {
  describeOnDatabase('sqlite-file', 'on its way into', (sqlite) => {
    const make = useHandMade();

    it('is copied when a copy goes on and the parent has been mended meanwhile', async () => {
      const source = await make(await postgres.freshUrl(), [
        ...schema,
        `insert into parents values (1, 1), (2, 'NaN')`,
        'insert into children values (1, 1), (2, 2)',
      ]);
      const target = await make(await sqlite.freshUrl(), schema);
      const broken = copyDatabase(source, target, {
        badRows: 'quarantine',
        onProgress: ({ stage }) => {
          if (stage === 'verify') throw new Error('enough');
        },
      });
      expect(await rejectionOf(broken)).to.have.property('message', 'enough');
      await source.exec('update parents set amount = 2 where id = 2');
      const report = await copyDatabase(source, target, { resume: true });
      expect(report).to.include({ rows: 4, quarantined: 0 });
      expect([...report.copiedAnew].sort()).to.deep.equal(['children', 'parents']);
    });
  });
});

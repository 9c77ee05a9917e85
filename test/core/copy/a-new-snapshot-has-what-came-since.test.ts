import { expect } from 'chai';
import { copyDatabase, verifyCopy } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { useHandMade } from './hand-made.ts';

const schema = ['create table a (id integer primary key)', 'create table b (id integer primary key)'];

describeOnDatabase('postgres', 'a table that had no rows when a copy was broken off', (postgres) => {
  describeOnDatabase('sqlite-file', 'on its way into', (sqlite) => {
    const make = useHandMade();

    it('is copied with the rows that it has when the copy goes on', async () => {
      const source = await make(await postgres.freshUrl(), [...schema, 'insert into b values (1)']);
      const target = await make(await sqlite.freshUrl(), schema);
      const broken = copyDatabase(source, target, {
        onProgress: ({ stage }) => {
          if (stage === 'check') throw new Error('enough');
        },
      });
      expect(await rejectionOf(broken)).to.have.property('message', 'enough');
      await source.exec('insert into a values (1)');
      const report = await copyDatabase(source, target, { resume: true, verify: false });
      expect(report).to.deep.include({ rows: 2, copiedAnew: ['a'] });
      expect((await verifyCopy(source, target)).isEqual).to.equal(true);
    });
  });
});

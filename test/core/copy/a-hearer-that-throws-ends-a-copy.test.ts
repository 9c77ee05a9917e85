import { expect } from 'chai';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { contentOf } from './content-of.ts';
import { useHandMade } from './hand-made.ts';

// Nothing but the copy itself would keep a row without a key from being there twice.
const schema = ['create table a (x integer)', 'create table log (id integer primary key)'];

describeOnDatabase('sqlite-file', 'whoever hears of a portion', (sqlite) => {
  describeOnEachDatabase('on its way into', (other) => {
    const make = useHandMade();

    it('and throws what looks like an error of its rows, ends the copy, and no row is there twice', async () => {
      const source = await make(await sqlite.freshUrl(), [...schema, 'insert into a values (1), (2), (3)']);
      const target = await make(await other.freshUrl(), schema);
      const log = await make(await sqlite.freshUrl(), [...schema, 'insert into log values (1)']);
      const twice = await rejectionOf(log.exec('insert into log values (1)'));
      let heard = 0;
      const copy = copyDatabase(source, target, {
        onProgress({ stage, rows }) {
          if (stage !== 'copy' || rows === 0) return;
          heard += 1;
          if (heard === 1) throw twice;
        },
      });
      expect(await rejectionOf(copy)).to.equal(twice);
      await copyDatabase(source, target, { resume: true });
      expect(await contentOf(target)).to.deep.equal(await contentOf(source));
    });
  });
});

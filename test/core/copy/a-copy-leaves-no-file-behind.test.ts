import { expect } from 'chai';
import { readdir, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { copyDatabase } from '../../../src/core/copy/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { useHandMade } from './hand-made.ts';

const schema = ['create table a (id integer primary key)'];

describeOnDatabase('sqlite-file', 'a copy', (sqlite) => {
  describeOnEachDatabase('into', (other) => {
    const make = useHandMade();

    it('that was killed while its snapshot was taken leaves nothing of it beside the source', async () => {
      const url = await sqlite.freshUrl();
      const file = url.replace(/^sqlite:/, '');
      const source = await make(url, [...schema, 'insert into a values (1)']);
      const target = await make(await other.freshUrl(), schema);
      const killed = copyDatabase(source, target, {
        onProgress: ({ stage }) => {
          if (stage === 'snapshot') throw new Error('killed');
        },
      });
      expect(await rejectionOf(killed)).to.have.property('message', 'killed');
      const [note] = await target.query<{ text: string }>(
        `select text from liminal_copy where name = 'snapshot'`,
      );
      const begun = `${file}.copy-${note?.text}.partial-0123456789ab`;
      for (const name of [begun, `${begun}-journal`]) await writeFile(name, 'begun');
      await copyDatabase(source, target, { resume: true });
      const left = (await readdir(dirname(file))).filter((name) => name.startsWith(basename(file)));
      expect(left.filter((name) => name.includes('.copy-'))).to.deep.equal([]);
    });
  });
});

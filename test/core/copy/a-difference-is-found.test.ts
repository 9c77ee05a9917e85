import { expect } from 'chai';
import { CopyDiffersError } from '../../../src/core/index.ts';
import { copyDatabase, verifyCopy } from '../../../src/core/copy/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { chinookMigrations, fillChinook } from './chinook.ts';
import { useMigrated } from './copy-scene.ts';

/** Each changes one table, and the way back. */
const mutants: Readonly<Record<string, readonly [table: string, there: string, back: string]>> = {
  'a changed cell': [
    'customers',
    `update customers set country = country || 'x' where customer_id = 3`,
    `update customers set country = substr(country, 1, length(country) - 1) where customer_id = 3`,
  ],
  'a cell that became NULL': [
    'employees',
    `update employees set title = '' where employee_id = 3`,
    `update employees set title = null where employee_id = 3`,
  ],
  'a row that is gone': ['playlist_track', 'delete from playlist_track where playlist_id = 1', ''],
  'two values that changed their rows': [
    'invoices',
    `update invoices set total = (select sum(total) from invoices i where i.invoice_id in (1, 2)) - total where invoice_id in (1, 2)`,
    '',
  ],
  'a row twice': [
    'invoice_lines',
    `insert into invoice_lines select 99999, invoice_id, track_id, unit_price, quantity from invoice_lines where invoice_line_id = 1`,
    `delete from invoice_lines where invoice_line_id = 99999`,
  ],
};

describeOnDatabase('sqlite-file', 'a verification', (sqlite) => {
  describeOnEachDatabase('of a copy', (other) => {
    const migrated = useMigrated([chinookMigrations]);

    it('finds each difference, and names its table', async () => {
      const source = await migrated(await sqlite.freshUrl());
      const target = await migrated(await other.freshUrl());
      await fillChinook(source, 3);
      await copyDatabase(source, target);
      const differing = async () =>
        (await verifyCopy(source, target)).tables.filter(({ isEqual }) => !isEqual).map(({ table }) => table);
      expect(await differing()).to.deep.equal([]);
      const known: string[] = [];
      for (const [name, [table, there, back]] of Object.entries(mutants)) {
        await target.exec(there);
        expect(await differing(), name).to.have.members([...known, table]);
        if (back === '') known.push(table);
        else await target.exec(back);
      }
      expect(await differing()).to.have.members(known);
    });

    it('at the end of a copy stops it, and resume mends what differs', async () => {
      const source = await migrated(await sqlite.freshUrl());
      const target = await migrated(await other.freshUrl());
      await fillChinook(source, 4);
      const meddle = async () => {
        await target.exec(`update genres set name = 'meddled' where genre_id = 1`);
      };
      let meddled: Promise<void> | undefined;
      const error = await rejectionOf(
        copyDatabase(source, target, {
          onProgress: ({ stage, table }) => {
            if (stage === 'check' && table !== undefined) meddled ??= meddle();
          },
        }),
      );
      await meddled;
      expect(error).to.be.an.instanceOf(CopyDiffersError);
      expect((error as CopyDiffersError).tables).to.deep.equal(['genres']);
      await copyDatabase(source, target, { resume: true });
      expect((await verifyCopy(source, target)).isEqual).to.equal(true);
    });
  });
});

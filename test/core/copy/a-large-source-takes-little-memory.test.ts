import { expect } from 'chai';
import { defineMigrationSet } from '../../../src/core/migrate/index.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { isSoak } from '../../support/engines.ts';
import { useMigrated } from './copy-scene.ts';

const program = new URL('copying-program.ts', import.meta.url);
const megabyte = 1024 * 1024;
/** `LIMINAL_COPY_MEGABYTES=2048` takes its time and 6 GB of the disk. */
const size = Number(process.env['LIMINAL_COPY_MEGABYTES'] ?? (isSoak ? 200 : 16));
const limit = 300 * megabyte;

const set = defineMigrationSet({
  name: 'large',
  migrations: [
    {
      name: '0001-large',
      async up(db, t) {
        await t.createTable(
          db,
          'large',
          (c) => ({ id: c.integer(), body: c.text(), bytes: c.blob(), size: c.real() }),
          { primaryKey: ['id'] },
        );
      },
      async down() {},
    },
  ],
});

describeOnDatabase('sqlite-file', 'a large source', (sqlite) => {
  describeOnDatabase('postgres', 'to a server and back', (postgres) => {
    const migrated = useMigrated([set]);

    it(`of ${size} MB takes less than 300 MB of memory`, async function () {
      this.timeout(3_600_000);
      const urls = [await sqlite.freshUrl(), await postgres.freshUrl(), await sqlite.freshUrl()] as const;
      const source = await migrated(urls[0]);
      for (const url of urls.slice(1)) await (await migrated(url)).close();
      // Rows of 2.6 KB, and larger ones among them.
      for (let filled = 0; filled < size; filled += 3) {
        await source.exec(
          `with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000)
           insert into large select ? + i, hex(randomblob(case i % 500 when 0 then 100000 else 800 end)),
             randomblob(case i % 500 when 1 then 100000 else 1000 end), i / 3.0 from n`,
          [filled * 1_000],
        );
      }
      const peaks: number[] = [];
      for (const [from, to] of [urls.slice(0, 2), urls.slice(1)] as [string, string][]) {
        const child = startProgram(program, [JSON.stringify({ from, to, resume: false })]);
        const { code, stderr } = await child.ended;
        expect(code, stderr).to.equal(0);
        const { rows, peak, changed } = JSON.parse(child.lines.at(-1)!) as Record<string, unknown>;
        expect(rows).to.equal(Math.ceil(size / 3) * 1_000);
        expect(changed).to.deep.equal([]);
        peaks.push(peak as number);
      }
      const told = peaks.map((peak) => `${Math.round(peak / megabyte)} MB`).join(', back: ');
      console.log(`  ${size} MB copied; at its peak the process took ${told}`);
      expect(Math.max(...peaks)).to.be.below(limit);
    });
  });
});

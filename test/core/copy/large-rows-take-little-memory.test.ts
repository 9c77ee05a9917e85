import { expect } from 'chai';
import { sql } from 'kysely';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { isSoak } from '../../support/engines.ts';
import type { Provider } from './copy-scene.ts';
import { useHandMade } from './hand-made.ts';

const program = new URL('copying-program.ts', import.meta.url);
const megabyte = 1024 * 1024;
/** How many rows of each kind; by 50 at once each of them would fill the heap. */
const count = isSoak ? 400 : 50;
/** What the objects of the program may take. Node ends it where they do not fit. */
const heap = 64;
/** With what lies beside those objects: bytes, SQLite's own pages, what the allocator has not given back. */
const most = 200 * megabyte;

const schema = (bytes: string): readonly string[] => [
  'create table owners (id integer primary key)',
  `create table large (id integer primary key, owner_id integer references owners (id), body text, bytes ${bytes})`,
  // By such a key no page is found in either engine; nor is there one at all.
  'create table measured (at double precision primary key, body text)',
  'create table kept (body text)',
];

/** Half of the large rows refer to nothing. */
const statements = [
  'pragma foreign_keys = off',
  'insert into owners values (1)',
  `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
   insert into large select i, 1 + i % 2, hex(randomblob(500000)), randomblob(600000) from n`,
  `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
   insert into measured select i / 3.0, hex(randomblob(500000)) from n`,
  `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
   insert into kept select hex(randomblob(500000)) from n`,
  'pragma foreign_keys = on',
];

async function fill(source: Provider): Promise<void> {
  await source.db.connection().execute(async (connection) => {
    for (const statement of statements) await sql.raw(statement).execute(connection);
  });
}

describeOnDatabase('sqlite-file', 'rows of more than a megabyte', (sqlite) => {
  describeOnDatabase('postgres', 'to a server, back, and from file to file', (postgres) => {
    const make = useHandMade();

    it(`are copied, set apart and proved in a heap of ${heap} MB`, async function () {
      this.timeout(600_000);
      const [source, server, back, other] = [
        await sqlite.freshUrl(),
        await postgres.freshUrl(),
        await sqlite.freshUrl(),
        await sqlite.freshUrl(),
      ];
      await fill(await make(source, schema('blob')));
      for (const url of [back, other]) await make(url, schema('blob'));
      await make(server, schema('bytea'));
      const told: string[] = [];
      for (const [from, to, broken] of [
        [source, server, count / 2],
        [server, back, 0],
        [source, other, count / 2],
      ] as const) {
        const plan = JSON.stringify({ from, to, resume: false, badRows: 'quarantine' });
        const env = { NODE_OPTIONS: `--max-old-space-size=${heap}` };
        const child = startProgram(program, [plan], { env });
        const { code, stderr } = await child.ended;
        expect(code, stderr).to.equal(0);
        const report = JSON.parse(child.lines.at(-1)!) as Record<'start' | 'peak', number>;
        expect(report).to.deep.include({ rows: 1 + count * 2.5, quarantined: broken, changed: [] });
        told.push(`${Math.round((report.peak - report.start) / megabyte)} MB`);
        expect(report.peak - report.start).to.be.below(most);
      }
      console.log(`  ${count} rows of each kind copied; above its start the process took ${told.join(', ')}`);
    });
  });
});

/**
 * A process of its own that migrates, as often as it is told to: loads everything, says `ready`, and for each line,
 * a URL, migrates to the latest and says how many migrations it ran. The first migration would double its rows if it
 * ran twice.
 */
import process from 'node:process';
import { createInterface } from 'node:readline';
import { sql } from 'kysely';
import { Migrator } from '../../../src/core/migrate/index.ts';
import { notesWith, first, openUntyped, third } from './sample-history.ts';

const set = notesWith(
  {
    name: '0000-rows',
    async up(db) {
      await sql`create table if not exists rows_made (n integer)`.execute(db);
      await sql`with recursive counter(n) as (select 1 union all select n + 1 from counter where n < 20000)
                insert into rows_made select n from counter`.execute(db);
    },
    down: () => Promise.resolve(),
  },
  first,
  third,
);

process.stdout.write('ready\n');
for await (const url of createInterface({ input: process.stdin })) {
  await using provider = openUntyped(url);
  const { applied } = await new Migrator(provider, set).latest();
  process.stdout.write(`ran ${applied.length}\n`);
}

/**
 * A Kysely of your own on the connections of this library: only the dialect is another one. Nothing else of the
 * library is in use: no provider, no repository.
 */
import { Kysely, type Generated } from 'kysely';
import { PooledSqliteDialect } from 'liminal-data/sqlite';

interface Tables {
  tasks: { id: Generated<number>; title: string; done: number };
}

const dialect = new PooledSqliteDialect({ filename: './tasks.db' });
await using db = new Kysely<Tables>({ dialect });

await db.schema.dropTable('tasks').ifExists().execute();
await db.schema
  .createTable('tasks')
  .addColumn('id', 'integer', (column) => column.primaryKey())
  .addColumn('title', 'text', (column) => column.notNull())
  .addColumn('done', 'integer', (column) => column.notNull().defaultTo(0))
  .execute();

// Writes that are asked for together share a commit, and each still succeeds or fails on its own.
const titles = ['write the report', 'call the bank', 'water the plants'];
await Promise.all(titles.map((title) => db.insertInto('tasks').values({ title, done: 0 }).execute()));

// A stream has a reader of its own, so its loop may write.
for await (const { id, title } of db.selectFrom('tasks').select(['id', 'title']).stream()) {
  if (title.includes('report')) await db.updateTable('tasks').set({ done: 1 }).where('id', '=', id).execute();
}

const open = await db.selectFrom('tasks').select('title').where('done', '=', 0).orderBy('id').execute();
console.log(open.map(({ title }) => title));

const { created, timeouts } = dialect.stats();
console.log(`${created} connections, ${timeouts} time-outs`);

/**
 * A cache: what is asked once, what a write makes invalid, what a rollback does not, and why an answer is what it is.
 * `DATABASE_URL=postgres://… node examples/11-cache.ts` does the same on PostgreSQL.
 */
import { DatabaseProviderFactory, Repository, databaseConfigFromEnv } from 'liminal-data';
import { cached, createCache } from 'liminal-data/cache';

interface Tables {
  books: { id: string; title: string; shelf: number };
}

type Book = Readonly<Tables['books']>;

let statements = 0;
const provider = DatabaseProviderFactory.createProvider<Tables>(databaseConfigFromEnv(), {
  onStatement: () => (statements += 1),
});
const columns = provider.migrations.columns.table('books');
await provider.db.schema
  .createTable('books')
  .addColumn('id', columns.text('id'), (column) => column.primaryKey().notNull())
  .addColumn('title', columns.text('title'), (column) => column.notNull())
  .addColumn('shelf', columns.integer('shelf'), (column) => column.notNull())
  .modifyEnd(columns.end)
  .execute();

const cache = createCache(provider);
await cache.ready();
const books = cached(
  new Repository<Tables, 'books', Book>(provider, {
    table: 'books',
    key: 'id',
    insertOnly: ['shelf'],
    columns: { id: 'text', title: 'text', shelf: 'integer' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (book) => book },
  }),
  { cache, ttl: 30_000, groups: ['shelf'] },
);

async function count(title: string, work: () => Promise<unknown>): Promise<void> {
  statements = 0;
  await work();
  console.log(`${title}: ${statements}`);
}

await books.insertMany([
  { id: 'b-1', title: 'Emma', shelf: 1 },
  { id: 'b-2', title: 'Persuasion', shelf: 2 },
]);
const shelf = (number: number) => books.findMany({ shelf: number });

await count('a hundred callers', () => Promise.all(Array.from({ length: 100 }, () => books.getById('b-1'))));
await count('and one more', () => books.getById('b-1'));
await shelf(1);
await shelf(2);

// Whoever writes, in whatever way.
await provider.db.updateTable('books').set({ title: 'Emma, again' }).where('id', '=', 'b-1').execute();
console.log((await books.getById('b-1')).title);
await books.insert({ id: 'b-3', title: 'Sanditon', shelf: 1 });
await count('another shelf after an insert', () => books.getById('b-2').then(() => books.getById('b-2')));
console.log((await shelf(1)).map(({ title }) => title));

await provider
  .transaction(async (tx) => {
    await tx.deleteFrom('books').where('id', '=', 'b-1').execute();
    throw new Error('changed my mind');
  })
  .catch((error: unknown) => console.log(`rolled back: ${(error as Error).message}`));
await count('after the rollback', () => books.getById('b-1'));

console.log((await cache.explain('books', 'b-1')).reason);
await books.update({ id: 'b-1', title: 'Emma', shelf: 1 });
console.log((await cache.explain('books', 'b-1')).reason);
await cache.close();
await provider.close();

/**
 * Moving a whole database: into another engine, proved, and back. Here it goes from SQLite in memory to the database of the
 * environment.
 * `DATABASE_URL=postgres://… node examples/12-copy.ts` copies it to PostgreSQL.
 */
import { databaseConfigFromEnv, DatabaseProviderFactory } from 'liminal-data';
import { copyDatabase, verifyCopy } from 'liminal-data/copy';
import { defineMigrationSet, migrateToLatest } from 'liminal-data/migrate';

const shop = defineMigrationSet({
  name: 'shop',
  migrations: [
    {
      name: '0001-shop',
      async up(db, t) {
        await t.createTable(db, 'customers', (c) => ({ id: c.id(), name: c.text(), notes: c.json() }));
        await t.createTable(db, 'orders', (c) => ({ id: c.id(), customer_id: c.references('customers') }));
      },
      async down(db) {
        await db.schema.dropTable('orders').execute();
        await db.schema.dropTable('customers').execute();
      },
    },
  ],
});

const id = (n: number) => `0190a000-0000-7000-8000-00000000000${n}`;
const from = DatabaseProviderFactory.createProvider<never>('sqlite::memory:');
await migrateToLatest(from, [shop]);
await from.exec('insert into customers (id, name, notes) values (?, ?, ?)', [id(1), 'Ada', '{"vip": true}']);
await from.exec('insert into orders (id, customer_id) values (?, ?)', [id(2), id(1)]);
await from.exec('insert into orders (id, customer_id) values (?, ?)', [id(3), id(1)]);

const to = DatabaseProviderFactory.createProvider<never>(databaseConfigFromEnv());
const report = await copyDatabase(from, to, { migrate: () => migrateToLatest(to, [shop]) });
for (const { table, rows } of report.tables) console.log(`${table}: ${rows}`);
console.log('changed meanwhile:', report.changed);

await copyDatabase(from, to).catch((error: unknown) => console.log((error as Error).message));

await to.exec('update customers set name = ?', ['Grace']);
const { tables } = await verifyCopy(from, to);
console.log(
  'differs:',
  tables.filter(({ isEqual }) => !isEqual).map(({ table }) => table),
);
await Promise.all([from.close(), to.close()]);

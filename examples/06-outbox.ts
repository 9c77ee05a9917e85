/**
 * An outbox: an order and the message that tells of it commit together, a relay delivers the message, and the
 * consumer handles it once although it comes twice.
 * `DATABASE_URL=postgres://… node examples/06-outbox.ts` does the same on PostgreSQL.
 */
import { DatabaseProviderFactory, databaseConfigFromEnv } from 'liminal-data';
import { Migrator, defineMigrationSet } from 'liminal-data/migrate';
import { Inbox, Outbox, OutboxRelay, outboxMigrations } from 'liminal-data/outbox';

interface Tables {
  orders: { number: number };
  invoices: { order_number: number };
}

interface Topics {
  'order.placed': { readonly number: number };
}

const history = defineMigrationSet({
  name: 'shop',
  migrations: [
    {
      name: '0001-shop',
      async up(db, t) {
        for (const [name, column] of [
          ['orders', 'number'],
          ['invoices', 'order_number'],
        ] as const) {
          const table = t.table(name);
          await db.schema
            .createTable(name)
            .addColumn(column, table.integer(column), (definition) => definition.notNull().primaryKey())
            .modifyEnd(table.end)
            .execute();
        }
      },
      async down(db) {
        await db.schema.dropTable('invoices').execute();
        await db.schema.dropTable('orders').execute();
      },
    },
  ],
});

const provider = DatabaseProviderFactory.createProvider<Tables>(databaseConfigFromEnv());
for (const set of [history, outboxMigrations]) await new Migrator(provider, set).latest();

const outbox = new Outbox<Topics>(provider);
const inbox = new Inbox('invoices');

async function placeOrder(number: number, fails = false): Promise<void> {
  await provider.transaction(async (tx) => {
    await tx.insertInto('orders').values({ number }).execute();
    await outbox.publish(tx, { topic: 'order.placed', key: `order-${number}`, payload: { number } });
    if (fails) throw new Error('the order was refused');
  });
}

await placeOrder(1);
await placeOrder(2, true).catch(() => console.log('order 2 was rolled back, and its message with it'));
await placeOrder(3);

const done = Promise.withResolvers<void>();
let left = 2;

await using relay = new OutboxRelay<Topics>(provider, {
  concurrency: 1,
  pollInterval: 20,
  retry: { baseDelay: 10 },
  async deliver({ id, payload: { number } }, { attempt }) {
    const { ran } = await provider.transaction((tx) =>
      inbox.once(tx, id, () => tx.insertInto('invoices').values({ order_number: number }).execute()),
    );
    console.log(`order ${number}: ${ran ? 'invoiced' : 'was invoiced already'}`);
    // As if the answer were lost behind the work: the message comes again.
    if (number === 3 && attempt === 1) throw new Error('the consumer did not answer');
  },
  onEvent({ type }) {
    if (type === 'delivered') left -= 1;
    if (left === 0) done.resolve();
  },
});

relay.start();
await done.promise;
await relay.stop();

const invoices = await provider.db
  .selectFrom('invoices')
  .select('order_number')
  .orderBy('order_number')
  .execute();
console.log(invoices.map((invoice) => invoice.order_number));
await provider.close();

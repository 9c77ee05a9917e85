/**
 * A saga: money leaves one account and reaches another, step by step, and what was done is undone where a later
 * step fails. The steps could as well call two banks: no transaction is open while they run.
 * `DATABASE_URL=postgres://… node examples/05-saga.ts` does the same on PostgreSQL.
 */
import {
  DatabaseProviderFactory,
  SagaFailedError,
  SagaRunner,
  databaseConfigFromEnv,
  defineSaga,
  sagaMigrations,
  uncheckedInput,
} from 'liminal-data';
import { Migrator, defineMigrationSet } from 'liminal-data/migrate';

interface Tables {
  bookings: { key: string; account: string; amount: number };
}

interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

const history = defineMigrationSet({
  name: 'bank',
  migrations: [
    {
      name: '0001-bank',
      async up(db, t) {
        const bookings = t.table('bookings');
        await db.schema
          .createTable('bookings')
          .addColumn('key', bookings.text('key'), (column) => column.notNull().primaryKey())
          .addColumn('account', bookings.text('account'), (column) => column.notNull())
          .addColumn('amount', bookings.integer('amount'), (column) => column.notNull())
          .modifyEnd(bookings.end)
          .execute();
      },
      async down(db) {
        await db.schema.dropTable('bookings').execute();
      },
    },
  ],
});

const provider = DatabaseProviderFactory.createProvider<Tables>(databaseConfigFromEnv());
for (const set of [history, sagaMigrations]) await new Migrator(provider, set).latest();

/** Books once by its key, however often a step is run. */
async function book(key: string, account: string, amount: number): Promise<void> {
  await provider.db
    .insertInto('bookings')
    .values({ key, account, amount })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Takes a booking back; a step that may not have happened is undone as well, so there may be none. */
async function unbook(key: string): Promise<void> {
  await provider.db.deleteFrom('bookings').where('key', '=', key).execute();
}

const transfer = defineSaga({
  name: 'transfer',
  input: uncheckedInput<Transfer>(),
  steps: [
    {
      name: 'debit',
      async run({ input, idempotencyKey }) {
        await book(idempotencyKey, input.from, -input.amount);
        return `${input.from} gave ${input.amount}`;
      },
      compensate: ({ sagaId }) => unbook(`${sagaId}:debit`),
    },
    {
      name: 'credit',
      async run({ input, idempotencyKey }) {
        if (input.to === 'nobody') throw new Error('there is no such account');
        await book(idempotencyKey, input.to, input.amount);
        return `${input.to} got ${input.amount}`;
      },
      compensate: ({ sagaId }) => unbook(`${sagaId}:credit`),
    },
  ],
});

await using runner = new SagaRunner(provider, { sagas: [transfer] });
// Carries on what other processes have left behind.
runner.start();

const request = { idempotencyKey: 'request-1' };
console.log('bob now:', await runner.run(transfer, { from: 'alice', to: 'bob', amount: 30 }, request));
// The same request again is the same transfer.
console.log('asked again:', await runner.run(transfer, { from: 'alice', to: 'bob', amount: 30 }, request));

try {
  await runner.run(transfer, { from: 'alice', to: 'nobody', amount: 5 });
} catch (error) {
  if (!(error instanceof SagaFailedError)) throw error;
  console.log(`failed at ${error.step}, undone: ${error.undone.join(', ')}`);
}

const bookings = await provider.db.selectFrom('bookings').selectAll().orderBy('account').execute();
console.log(bookings.map(({ account, amount }) => `${account}: ${amount}`));
await runner.close();
await provider.close();

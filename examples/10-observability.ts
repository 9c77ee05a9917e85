/**
 * What an application sees of its database: its queries by their fingerprints, a slow one with its call site, the same
 * query again and again, the pool, and all of it for Prometheus.
 * `DATABASE_URL=postgres://… node examples/10-observability.ts` does the same on PostgreSQL.
 */
import { DatabaseProviderFactory, databaseConfigFromEnv, type Logger } from 'liminal-data';
import { createHealth } from 'liminal-data/health';
import { createQueryMetrics, prometheusText, watchNPlusOne } from 'liminal-data/metrics';

interface Tables {
  notes: { id: number; author: string; text: string };
}

// An application hands over its own, such as pino's. Without one, warnings go to the console.
const logger: Logger = {
  debug() {},
  info() {},
  warn: (fields, message) => console.log(`${message}:`, (fields as { query?: string }).query),
  error: (fields, message) => console.error(message, fields),
};

const metrics = createQueryMetrics();
const config = { ...databaseConfigFromEnv(), slowQueryThreshold: 60_000 };
const provider = DatabaseProviderFactory.createProvider<Tables>(config, { metrics, logger });
await provider.exec('create table notes (id integer primary key, author varchar(50), text varchar(200))');

const { db } = provider;
for (let id = 1; id <= 20; id += 1) {
  const note = { id, author: id % 2 === 0 ? 'ada' : 'grace', text: `note ${id}` };
  await db.insertInto('notes').values(note).execute();
}
await provider.query("select id from notes where author = 'ada'").then((rows) => console.log(rows.length));
await provider.query('select id from notes where author = ?', ['grace']);
await provider.query('select nothing from notes').catch((error: unknown) => {
  console.log((error as Error).name);
});

// Values make no difference, and are nowhere: one line for each kind of statement.
for (const { text, calls, failures, rows } of metrics.top(3, 'calls'))
  console.log(`${calls} calls, ${failures} failed, ${rows} rows: ${text}`);

await watchNPlusOne(
  async () => {
    const ids = await db.selectFrom('notes').select('id').execute();
    for (const { id } of ids) await db.selectFrom('notes').selectAll().where('id', '=', id).execute();
  },
  { limit: 10, logger },
);

const text = await prometheusText({ databases: { notes: { provider, metrics } } });
console.log(text.split('\n').find((line) => line.startsWith('liminal_query_errors_total')));

const { status } = await createHealth(provider, { budgets: { disk: false } }).ready();
console.log(`ready: ${status}`);
await provider.exec('drop table notes');
await provider.close();

/** Aborts queries that then fail on the server, and says what their callers heard: `node aborting-program.ts <url>`. */
import { sql } from 'kysely';
import pg from 'pg';
import { DatabaseProviderFactory } from '../../../../src/core/index.ts';
import { until } from '../../../support/until.ts';

const [url = ''] = process.argv.slice(2);
// The limit ends what an abort leaves to itself.
const provider = DatabaseProviderFactory.createProvider({
  url,
  statementTimeout: 1_000,
  pool: { max: 1 },
});
const watcher = new pg.Client({ connectionString: url });
await watcher.connect();
const slow = provider.db.selectNoFrom(sql`pg_sleep(60)`.as('slept'));

async function abort(name: string, run: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  const outcome = run(controller.signal).catch((error: unknown) => error);
  await until(isSleeping);
  controller.abort(new Error('enough'));
  console.log(`${name}: ${((await outcome) as Error).message}`);
  await until(() => provider.stats().busy === 0);
}

async function isSleeping(): Promise<boolean> {
  const { rows } = await watcher.query(
    `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
  );
  return rows.length === 1;
}

for (const strategy of ['ignore query', 'cancel query', 'kill session'] as const) {
  await abort(strategy, (signal) => slow.execute({ signal, inflightQueryAbortStrategy: strategy }));
}
await abort('stream', async (signal) => {
  for await (const _ of slow.stream({ chunkSize: 1, signal }));
});
console.log(`busy: ${provider.stats().busy}`);
await Promise.all([provider.close(), watcher.end()]);

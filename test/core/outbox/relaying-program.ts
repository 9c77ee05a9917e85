/**
 * A relay in a process of its own, until it is killed. Its consumer notes every delivery that begins, and through
 * the inbox the effect, in the database that the test looks at.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { sql } from 'kysely';
import { DatabaseProviderFactory } from '../../../src/core/index.ts';
import { Inbox, OutboxRelay } from '../../../src/core/outbox/index.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';

export interface RelayingPlan {
  readonly url: string;
  readonly concurrency: number;
  readonly leaseDuration: number;
  /** Where each delivery kills its process by itself: in one of this many, at random. */
  readonly suicideOdds?: number;
}

const plan = JSON.parse(process.argv[2] ?? '') as RelayingPlan;
const provider = DatabaseProviderFactory.createProvider<OutboxTables>({
  url: plan.url,
  lockTimeout: 10_000,
  pool: { acquireTimeout: 20_000, max: 4 },
});
const inbox = new Inbox('effects');

const relay = new OutboxRelay<{ work: { n: number } }>(provider, {
  concurrency: plan.concurrency,
  leaseDuration: plan.leaseDuration,
  pollInterval: 50,
  retry: { baseDelay: 1, maxDelay: 5, attempts: 1_000 },
  onEvent: ({ type }) => {
    if (type === 'failed' || type === 'lost') writeSync(process.stdout.fd, `${type}\n`);
  },
  deliver: async (message) => {
    // Written at once, so that a kill loses no delivery that has begun.
    writeSync(process.stdout.fd, `${message.id}\n`);
    if (plan.suicideOdds !== undefined && Math.random() * plan.suicideOdds < 1) {
      process.kill(process.pid, 'SIGKILL');
    }
    await provider.transaction(async (tx) => {
      await inbox.once(tx, message.id, async () => {
        await sql`insert into effects (message_id, key, n) values (${message.id}, ${message.key ?? null}, ${message.payload.n})`.execute(
          tx,
        );
      });
    });
  },
});
relay.start();

/** A backfill in a process of its own, until it is killed or at its end. It tells of each batch when it is committed. */
import { writeSync } from 'node:fs';
import { sql } from 'kysely';
import { backfill } from '../../../src/core/migrate/index.ts';
import { openUntyped } from './sample-history.ts';

export interface BackfillingPlan {
  readonly url: string;
  readonly batchSize: number;
}

const { url, batchSize } = JSON.parse(process.argv[2] ?? '') as BackfillingPlan;
await using provider = openUntyped({ url, lockTimeout: 10_000, pool: { max: 2 } });
const say = (line: string): void => void writeSync(process.stdout.fd, `${line}\n`);
say('ready');
const { done } = await backfill(provider, {
  name: 'count-up',
  table: 'things',
  key: 'id',
  set: { n: sql`n + 1` },
  batchSize,
  onProgress: (progress) => say(`done ${progress.done}`),
});
say(`end ${done}`);

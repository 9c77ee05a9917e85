/** Copies one database into another until it is done or killed, and says when a stage begins. */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { DatabaseProviderFactory } from '../../../src/core/index.ts';
import { keepHeapSmall } from '../../../src/cli/small-heap.ts';
import { copyDatabase } from '../../../src/core/copy/index.ts';

export interface CopyingPlan {
  readonly from: string;
  readonly to: string;
  readonly resume: boolean;
  /** As `copyDatabase` takes it. */
  readonly badRows?: 'stop' | 'quarantine';
  /** At which hearing of progress it kills itself; never where it is left out. */
  readonly killAt?: number;
}

// As the command line does.
keepHeapSmall();
const plan = JSON.parse(process.argv[2] ?? '') as CopyingPlan;
const from = DatabaseProviderFactory.createProvider<never>(plan.from);
const to = DatabaseProviderFactory.createProvider<never>(plan.to);
let heard = 0;
const start = process.memoryUsage.rss();
writeSync(process.stdout.fd, 'open\n');
const report = await copyDatabase(from, to, {
  resume: plan.resume,
  badRows: plan.badRows ?? 'stop',
  onProgress: () => {
    heard += 1;
    if (heard === plan.killAt) process.kill(process.pid, 'SIGKILL');
  },
});
const peak = process.resourceUsage().maxRSS * 1024;
writeSync(process.stdout.fd, `${JSON.stringify({ ...report, heard, start, peak })}\n`);
await from.close();
await to.close();

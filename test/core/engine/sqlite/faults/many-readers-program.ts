/**
 * A process of its own that asks for more readers at once than it may open files, then goes on with what it
 * has. It says, a line of JSON each: what came of the readers, by outcome; what came of the work afterwards;
 * the state of the pool.
 */
import { sql } from 'kysely';
import { LiminalDataError } from '../../../../../src/core/index.ts';
import { createLedger, writeAlone } from '../../../../support/ack-ledger.ts';
import { openLedger } from './open-ledger.ts';

const asked = 60;

const provider = openLedger(process.argv[2] ?? '', {}, { pool: { max: asked, acquireTimeout: 1_000 } });
await createLedger(provider);

const outcomes = new Map<string, number>();
let settled = 0;
const allAsked = Promise.withResolvers<void>();

function count(outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  settled += 1;
  if (settled === asked) allAsked.resolve();
}

/** Holds a reader until everybody has one, or was told why not. */
async function holdReader(): Promise<void> {
  let counted = false;
  try {
    await provider.transaction(
      async (tx) => {
        await sql`select count(*) from parts`.execute(tx);
        counted = true;
        count('ok');
        await allAsked.promise;
      },
      { readOnly: true },
    );
  } catch (error) {
    if (!(error instanceof LiminalDataError)) throw error;
    if (!counted) count(error.name);
  }
}

await Promise.all(Array.from({ length: asked }, holdReader));
console.log(JSON.stringify(Object.fromEntries(outcomes)));

const work: Promise<unknown>[] = [];
for (let again = 0; again < 100; again += 1) {
  work.push(provider.query('select count(*) from parts'), writeAlone(provider, `after-${again}`));
}
const failed = (await Promise.allSettled(work)).filter((each) => each.status === 'rejected');
console.log(JSON.stringify(failed.map(({ reason }) => String(reason))));
console.log(JSON.stringify(provider.stats()));
await provider.close();

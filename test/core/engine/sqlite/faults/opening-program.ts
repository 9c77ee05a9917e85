/**
 * A process of its own that opens a ledger, reads it and writes to it, and says what came of each as a line
 * of JSON.
 */
import { LiminalDataError } from '../../../../../src/core/index.ts';
import { writeAlone } from '../../../../support/ack-ledger.ts';
import { openLedger } from './open-ledger.ts';

export interface Outcome {
  /** `ok`, or the name of the error's class. */
  readonly result: string;
  readonly message: string;
  /** In ms. */
  readonly took: number;
}

await using provider = openLedger(process.argv[2] ?? '');

async function attempt(work: () => Promise<unknown>): Promise<Outcome> {
  const start = performance.now();
  try {
    await work();
    return { result: 'ok', message: '', took: performance.now() - start };
  } catch (error) {
    if (!(error instanceof LiminalDataError)) throw error;
    return { result: error.name, message: error.message, took: performance.now() - start };
  }
}

console.log(JSON.stringify(await attempt(() => provider.query('select count(*) from parts'))));
console.log(JSON.stringify(await attempt(() => writeAlone(provider, 'refused'))));

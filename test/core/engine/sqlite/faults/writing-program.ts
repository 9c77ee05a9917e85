/**
 * A process of its own that writes operations of the ledger until it is killed, or has made as many as it
 * was told. It says the name of each on a line of its own once the operation is acknowledged: the line is
 * written synchronously, so that it has left the process before anything else happens.
 *
 * Two faults can be switched on, for the tests that show that the ledger notices them: `ack-early` says the
 * name before the operation is done, `no-transaction` writes the parts of an operation one by one.
 */
import { openSync, writeSync } from 'node:fs';
import {
  createLedger,
  ledgerWrites,
  writeParts,
  type LedgerDatabase,
} from '../../../../support/ack-ledger.ts';
import { openLedger } from './open-ledger.ts';

export interface WritingPlan {
  readonly filename: string;
  readonly durability: 'full' | 'normal';
  /** How many operations are under way at any time. */
  readonly writers: number;
  /** How many operations a writer makes; until it is killed where there is no number. */
  readonly operations?: number;
  readonly fault?: 'ack-early' | 'no-transaction';
  /** Where the names go, and before them `created` for the tables, which it makes then; standard output by default. */
  readonly ackFile?: string;
}

const plan = JSON.parse(process.argv[2] ?? '') as WritingPlan;
const provider = openLedger(plan.filename, { durability: plan.durability });
const output = plan.ackFile === undefined ? process.stdout.fd : openSync(plan.ackFile, 'a');
const writes =
  plan.fault === 'no-transaction'
    ? [(ledger: LedgerDatabase, operation: string) => writeParts(ledger.db, operation)]
    : ledgerWrites;

async function write(writer: number): Promise<void> {
  for (let count = 0; count < (plan.operations ?? Infinity); count += 1) {
    const operation = `${process.pid}-${writer}-${count}`;
    const acknowledge = () => writeSync(output, `${operation}\n`);
    if (plan.fault === 'ack-early') acknowledge();
    await writes[(writer + count) % writes.length]?.(provider, operation);
    if (plan.fault !== 'ack-early') acknowledge();
  }
}

if (plan.ackFile !== undefined) {
  await createLedger(provider);
  writeSync(output, 'created\n');
}
await Promise.all(Array.from({ length: plan.writers }, (_, writer) => write(writer)));
await provider.close();

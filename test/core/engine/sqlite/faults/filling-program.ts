/**
 * A process of its own that writes until there is no room left, says what it is told then, goes on reading,
 * and writes again when it is told that there is room. What it says, a line each: `ack` and the name of an
 * acknowledged operation, `refused` with the error's class and the driver's code, `read` and a number of
 * rows, `full` once it waits for room, `closed` at the end.
 */
import { once } from 'node:events';
import { createLedger, ledgerWrites } from '../../../../support/ack-ledger.ts';
import { openLedger } from './open-ledger.ts';

const provider = openLedger(process.argv[2] ?? '');
let count = 0;

/** Says whether the next operation, a large one, was acknowledged. */
async function write(): Promise<boolean> {
  count += 1;
  const operation = `${count}-7`;
  try {
    await ledgerWrites[count % ledgerWrites.length]?.(provider, operation);
    console.log(`ack ${operation}`);
    return true;
  } catch (error) {
    const { name, cause } = error as Error;
    console.log(`refused ${name} ${(cause as { code?: string } | undefined)?.code}`);
    return false;
  }
}

async function read(): Promise<void> {
  const [row] = await provider.query<{ n: number }>('select count(*) as n from parts');
  console.log(`read ${row?.n}`);
}

await createLedger(provider);
while (await write());
await read();
for (let again = 0; again < 5; again += 1) await write();
await read();
console.log('full');
await once(process.stdin, 'data');
process.stdin.pause();
await write();
await write();
await read();
await provider.close();
console.log('closed');

/**
 * A process of its own that writes until it is told to end, by SIGTERM. It says `ack` and the name of each
 * operation that was acknowledged, and `refused` with the class of the error that ended each writer. Where
 * it is told to be stubborn, a transaction of it never comes to its end.
 */
import { closeOnSignal, LiminalDataError } from '../../../../../src/core/index.ts';
import { ledgerWrites, partOf } from '../../../../support/ack-ledger.ts';
import { openLedger } from './open-ledger.ts';

const [filename = '', deadline = '0', writerCount = '1', stubborn] = process.argv.slice(2);
const provider = openLedger(filename);
closeOnSignal(provider, { deadline: Number(deadline) });

async function write(writer: number): Promise<void> {
  for (let count = 0; ; count += 1) {
    const operation = `${writer}-${count}`;
    try {
      await ledgerWrites[(writer + count) % ledgerWrites.length]?.(provider, operation);
    } catch (error) {
      if (!(error instanceof LiminalDataError)) throw error;
      console.log(`refused ${error.name}`);
      return;
    }
    console.log(`ack ${operation}`);
  }
}

const writers = Array.from({ length: Number(writerCount) }, (_, writer) => write(writer));
if (stubborn !== undefined) {
  await provider
    .transaction(async (tx) => {
      await tx
        .insertInto('parts')
        .values(partOf('stubborn', 0, 1))
        .execute();
      console.log('stubborn');
      await Promise.all(writers);
      await new Promise<never>(() => undefined);
    })
    .catch((error: unknown) => console.log(String(error)));
}
await Promise.all(writers);

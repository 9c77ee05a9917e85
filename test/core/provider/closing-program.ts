/**
 * Writes into a table until it is told to end by a signal. It says `ready` once it writes, and each number
 * behind the write of it.
 *
 * Arguments: the URL, the deadline in ms, and `stuck` for a transaction that never ends.
 */
import { DatabaseProviderFactory, PoolClosedError, closeOnSignal } from '../../../src/core/index.ts';

const [url = '', deadline = '', mode = ''] = process.argv.slice(2);
const provider = DatabaseProviderFactory.createProvider<unknown>({ url, slowQueryThreshold: 0 });
closeOnSignal(provider, { deadline: Number(deadline) });

await provider.exec('create table written (id bigint primary key)');
if (mode === 'stuck') {
  void provider.transaction(() => new Promise(() => undefined)).catch(() => undefined);
  // The process is to be ended by the signal, not by having nothing to do.
  setInterval(() => undefined, 60_000);
  console.log('ready');
} else {
  console.log('ready');
  await Promise.all([1, 2, 3, 4].map((writer) => writeOn(writer)));
  setInterval(() => undefined, 60_000);
}

async function writeOn(writer: number): Promise<void> {
  for (let id = writer; ; id += 4) {
    try {
      await provider.exec('insert into written values (?)', [id]);
    } catch (error) {
      if (error instanceof PoolClosedError) return;
      throw error;
    }
    console.log(String(id));
  }
}

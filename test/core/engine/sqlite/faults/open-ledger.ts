import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseProviderFactory, type ProviderOptions } from '../../../../../src/core/index.ts';
import { createLedger, type LedgerDatabase, type LedgerTables } from '../../../../support/ack-ledger.ts';
import { makeTempDirectory } from '../../../../support/temp-directory.ts';

/** Opens a file for operations of the ledger. */
export function openLedger(
  filename: string,
  connection: { durability?: string } = {},
  options: ProviderOptions<LedgerTables> & { pool?: object; lockTimeout?: number } = {},
): LedgerDatabase {
  const { pool = {}, lockTimeout = 10_000, ...rest } = options;
  return DatabaseProviderFactory.createProvider<LedgerTables>(
    // Programs whose standard error is to stay empty open it as well, on machines that are busy.
    { type: 'sqlite', connection: { filename, ...connection }, pool, lockTimeout, slowQueryThreshold: 0 },
    rest,
  );
}

let template: Promise<string> | undefined;

/** Makes a ledger without operations, which nobody has open, in a folder of its own; gives its file. */
export async function makeLedgerFile(): Promise<string> {
  template ??= makeTemplate();
  const filename = join(makeTempDirectory('ledger'), 'ledger.db');
  copyFileSync(await template, filename);
  return filename;
}

async function makeTemplate(): Promise<string> {
  const filename = join(makeTempDirectory('ledger-template'), 'ledger.db');
  await using provider = openLedger(filename);
  await createLedger(provider);
  return filename;
}

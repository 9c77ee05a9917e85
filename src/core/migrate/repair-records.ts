import type { Kysely } from 'kysely';
import type { Clock } from '../foundation/clock.ts';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { ensureBookkeeping } from './bookkeeping.ts';
import type { MigratableDatabase } from './migratable-database.ts';
import { checksumOf } from './migration-checksum.ts';
import { readHistory } from './migration-history.ts';
import { forgetRecord, readRecords, writeRecord } from './migration-record.ts';
import type { MigrationSet } from './migration-set.ts';
import { recordSchema } from './schema-record.ts';
import { transact, type StepContext } from './step-context.ts';

/** What is accepted as right. */
export interface RepairOptions {
  /**
   * Migrations of the set that were edited after they had run, and those without a transaction that broke off and will
   * not be run again.
   */
  readonly accept?: readonly string[];
  /** Whether the live schema is the one that should be there. False by default. */
  readonly acceptSchema?: boolean;
}

/** What was recorded anew. */
export interface RepairReport {
  /** The name of the set. */
  readonly set: string;
  /** The migrations whose code counts as what has run. */
  readonly accepted: readonly string[];
  /** Whether the live schema was recorded. */
  readonly acceptedSchema: boolean;
}

/** How a repair waits for whoever migrates. */
export interface RepairTerms {
  readonly clock: Clock;
  readonly lockTimeout: number;
}

/** Records as right what `verify` complains of. It changes the records alone. */
export async function repairRecords(
  { db, migrations }: MigratableDatabase,
  set: MigrationSet,
  { accept = [], acceptSchema = false }: RepairOptions,
  { clock, lockTimeout }: RepairTerms,
): Promise<RepairReport> {
  if (accept.length === 0 && !acceptSchema) {
    throw new ValidationError(
      'Say what is accepted: migrations by their names in "accept", or "acceptSchema".',
    );
  }
  const schema = await migrations.currentSchema?.(db);
  const owner = loadCrypto().randomUUID();
  const context: StepContext = {
    set,
    schema,
    traits: migrations,
    course: () => undefined,
    owner,
    lockTimeout,
    clock,
  };
  const repair = async (trx: Kysely<any>): Promise<void> => {
    const place = { set: set.name, schema };
    const applied = (await readHistory(trx, set, schema)).length;
    await ensureBookkeeping(trx, { schema, columns: migrations.columns });
    const records = await readRecords(trx, place);
    for (const name of accept) {
      const migration = set.migrations.slice(0, applied).find((each) => each.name === name);
      if (migration !== undefined) {
        const checksum = await checksumOf(migration);
        await writeRecord(trx, place, name, { state: 'applied', checksum }, clock.now());
      } else if (records.get(name)?.state === 'running') {
        // One that broke off and will not be run again: what it did before is told as drift.
        await forgetRecord(trx, place, name);
      } else throw notRunError(set, name);
    }
    if (acceptSchema) {
      await recordSchema(trx, schema, await migrations.readSchema(trx), { recordedAt: clock.now() });
    }
  };
  await db.connection().execute((connection) => transact(connection, context, repair));
  return { set: set.name, accepted: accept, acceptedSchema: acceptSchema };
}

function notRunError(set: MigrationSet, name: string): MigrationError {
  return new MigrationError(
    `Migration "${name}" of set "${set.name}" was to be accepted as it is, and the database has not run it. Nothing was recorded.`,
    set.name,
    name,
  );
}

import type { Transaction } from 'kysely';
import type { SchemaSnapshot } from '../engine/schema-snapshot.ts';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import { ensureBookkeeping } from './bookkeeping.ts';
import { checksumOf } from './migration-checksum.ts';
import { readHistory } from './migration-history.ts';
import { forgetRecord, writeRecord } from './migration-record.ts';
import type { MigrationSet } from './migration-set.ts';
import { performMigration, runMigration } from './run-migration.ts';
import { expectBehind } from './schema/expect-behind.ts';
import { findRecordedSchema, recordSchema } from './schema-record.ts';
import type { Step, StepContext } from './step-context.ts';

/** What has run already, where a step is only recorded. */
export interface RanAlready {
  /** The schema before it ran. */
  readonly schemaBefore: SchemaSnapshot;
}

/**
 * Runs a step and records it: in Kysely's record, with its checksum, and with the schema that it left.
 *
 * @param ran where the migration has run already, without a transaction
 * @returns when it began, on the monotonic clock; undefined where somebody else has changed the history meanwhile
 */
export async function runAndRecord(
  trx: Transaction<any>,
  { set, schema, traits, clock }: StepContext,
  { migration, direction, before }: Step,
  ran?: RanAlready,
): Promise<number | undefined> {
  const start = clock.monotonic();
  // Read inside of the transaction: whoever held the lock before may have done the work.
  if ((await readHistory(trx, set, schema)).length !== before) return undefined;
  await traits.beginStep?.(trx);
  await ensureBookkeeping(trx, { schema, columns: traits.columns });
  const schemaBefore = ran?.schemaBefore ?? (await traits.readSchema(trx));
  await runMigration(trx, {
    set,
    schema,
    direction,
    perform: async (each, db) => {
      if (ran === undefined) await performMigration(each, direction, db, traits.columns);
    },
  });
  if ((await traits.currentSchema?.(trx)) !== schema) throw movedError(set, migration.name);
  const place = { set: set.name, schema };
  if (direction === 'down') await forgetRecord(trx, place, migration.name);
  else {
    const checksum = await checksumOf(migration);
    await writeRecord(trx, place, migration.name, { state: 'applied', checksum }, clock.now());
  }
  const recorded = await findRecordedSchema(trx, schema);
  const change = { before: schemaBefore, after: await traits.readSchema(trx) };
  await recordSchema(trx, schema, expectBehind(recorded?.snapshot, change), {
    step: { set: set.name, name: migration.name, direction },
    recordedAt: clock.now(),
  });
  return start;
}

function movedError(set: MigrationSet, name: string): MigrationError {
  return new MigrationError(
    `Migration "${name}" of set "${set.name}" has changed the schema in which tables are made (search_path), and the records of migrations would be lost to those after it. Set it back before the migration ends, or name the schema in its statements.`,
    set.name,
    name,
  );
}

/** The schema behind each step, as the database was left by it: what the live one is held against. */
import type { Kysely } from 'kysely';
import type { SchemaSnapshot } from '../engine/schema-snapshot.ts';
import { bookkeepingTables, hasTable, inSchema } from './bookkeeping.ts';
import type { MigrationDirection } from './run-migration.ts';
import { fingerprintSchema } from './schema/schema-fingerprint.ts';
import { readSchemaSnapshot, writeSchemaSnapshot } from './schema/schema-snapshot-text.ts';

/** A schema that was recorded. */
export interface RecordedSchema {
  readonly fingerprint: string;
  /** Undefined where it was written by another version of this library, or is damaged. */
  readonly snapshot: SchemaSnapshot | undefined;
}

/** What a schema is recorded behind. */
export interface SchemaOccasion {
  /** Undefined for a repair. */
  readonly step?: { readonly set: string; readonly name: string; readonly direction: MigrationDirection };
  /** In ms since the Unix epoch. */
  readonly recordedAt: number;
}

interface Row {
  readonly id: number;
  readonly fingerprint: string;
  readonly snapshot: string;
}

/** Finds the schema that the last step has left. It writes nothing. */
export async function findRecordedSchema(
  db: Kysely<any>,
  schema: string | undefined,
): Promise<RecordedSchema | undefined> {
  if (!(await hasTable(db, bookkeepingTables.schemas, schema))) return undefined;
  const row = await findLast(db, schema);
  return row && { fingerprint: row.fingerprint, snapshot: readSchemaSnapshot(row.snapshot) };
}

/** Records the live schema as the one that should be there. */
export async function recordSchema(
  db: Kysely<any>,
  schema: string | undefined,
  snapshot: SchemaSnapshot,
  { step, recordedAt }: SchemaOccasion,
): Promise<void> {
  const last = await findLast(db, schema);
  await inSchema(db, schema)
    .insertInto(bookkeepingTables.schemas)
    .values({
      id: (last?.id ?? 0) + 1,
      set_name: step?.set ?? null,
      name: step?.name ?? null,
      direction: step?.direction ?? 'repair',
      fingerprint: fingerprintSchema(snapshot),
      snapshot: writeSchemaSnapshot(snapshot),
      recorded_at: recordedAt,
    })
    .execute();
}

async function findLast(db: Kysely<any>, schema: string | undefined): Promise<Row | undefined> {
  const row: Row | undefined = await inSchema(db, schema)
    .selectFrom(bookkeepingTables.schemas)
    .select(['id', 'fingerprint', 'snapshot'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row;
}

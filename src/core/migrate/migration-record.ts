/** What a migration was when it ran, beside Kysely's own record: its checksum, and whether it is under way. */
import type { Kysely } from 'kysely';
import type { SchemaSnapshot } from '../engine/schema-snapshot.ts';
import { bookkeepingTables, hasTable, inSchema } from './bookkeeping.ts';
import type { MigrationDirection } from './run-migration.ts';
import { readSchemaSnapshot, writeSchemaSnapshot } from './schema/schema-snapshot-text.ts';

/** What was there before a migration without a transaction began for the first time. */
export interface Beginning {
  readonly direction: MigrationDirection;
  /** The invalid indexes that are none of its own. */
  readonly invalidBefore: readonly string[];
  readonly schemaBefore: SchemaSnapshot;
}

/** What is known of one migration. */
export interface MigrationRecord {
  /** `running` of one without a transaction that has begun and was not seen to end. */
  readonly state: 'running' | 'applied';
  /** As it was when it ran; undefined where its code could not be read. */
  readonly checksum: string | undefined;
  /** Of one that runs. */
  readonly beginning?: Beginning;
}

/** Of which migration of which set, and where the table lies. */
export interface RecordPlace {
  readonly set: string;
  readonly schema: string | undefined;
}

interface Row {
  readonly name: string;
  readonly state: 'running' | 'applied';
  readonly direction: MigrationDirection | null;
  readonly checksum: string | null;
  readonly invalid_before: string | null;
  readonly schema_before: string | null;
}

/** Reads what is known of the migrations of a set, by their names. It writes nothing. */
export async function readRecords(
  db: Kysely<any>,
  { set, schema }: RecordPlace,
): Promise<ReadonlyMap<string, MigrationRecord>> {
  if (!(await hasTable(db, bookkeepingTables.migrations, schema))) return new Map();
  const rows: readonly Row[] = await inSchema(db, schema)
    .selectFrom(bookkeepingTables.migrations)
    .select(['name', 'state', 'direction', 'checksum', 'invalid_before', 'schema_before'])
    .where('set_name', '=', set)
    .execute();
  return new Map(rows.map((row) => [row.name, fromRow(row)]));
}

/** Records a migration, in place of what was known of it. */
export async function writeRecord(
  db: Kysely<any>,
  place: RecordPlace,
  name: string,
  { state, checksum, beginning }: MigrationRecord,
  changedAt: number,
): Promise<void> {
  await forgetRecord(db, place, name);
  await inSchema(db, place.schema)
    .insertInto(bookkeepingTables.migrations)
    .values({
      set_name: place.set,
      name,
      state,
      direction: beginning?.direction ?? null,
      checksum: checksum ?? null,
      invalid_before: beginning === undefined ? null : JSON.stringify(beginning.invalidBefore),
      schema_before: beginning === undefined ? null : writeSchemaSnapshot(beginning.schemaBefore),
      changed_at: changedAt,
    })
    .execute();
}

/** Forgets a migration that was taken back. */
export async function forgetRecord(
  db: Kysely<any>,
  { set, schema }: RecordPlace,
  name: string,
): Promise<void> {
  await inSchema(db, schema)
    .deleteFrom(bookkeepingTables.migrations)
    .where('set_name', '=', set)
    .where('name', '=', name)
    .execute();
}

function fromRow(row: Row): MigrationRecord {
  const { state, direction, checksum, invalid_before: invalid, schema_before: schema } = row;
  const record = { state, checksum: checksum ?? undefined };
  const schemaBefore = schema === null ? undefined : readSchemaSnapshot(schema);
  // Of another version of this library: then it begins for the first time once more.
  if (direction === null || invalid === null || schemaBefore === undefined) return record;
  return {
    ...record,
    beginning: { direction, invalidBefore: JSON.parse(invalid) as string[], schemaBefore },
  };
}

import type { Kysely } from 'kysely';
import { sleep, systemClock, type Clock } from '../foundation/clock.ts';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import type { MigratableDatabase } from './migratable-database.ts';
import { checksumOf } from './migration-checksum.ts';
import { readHistory } from './migration-history.ts';
import { readRecords } from './migration-record.ts';
import type { MigrationSet } from './migration-set.ts';
import { QueryError } from '../foundation/errors/statement-errors.ts';
import { orderSets } from './order-sets.ts';
import type { MigrationDirection } from './run-migration.ts';
import { findRecordedSchema } from './schema-record.ts';
import { describeDifference, diffSchemas, type SchemaDifference } from './schema/schema-diff.ts';
import { fingerprintSchema } from './schema/schema-fingerprint.ts';
import { schemaFormat } from './schema/schema-snapshot-text.ts';

/** What was found of one set. */
export interface SetVerification {
  /** The name of the set. */
  readonly set: string;
  /** Why its history does not fit what the database has run; undefined where it fits. */
  readonly misfit: string | undefined;
  /** How many migrations have run; 0 where the history does not fit. */
  readonly applied: number;
  /** Migrations that have not run yet. They are no fault. */
  readonly pending: readonly string[];
  /** Migrations that have run and mean something else now. */
  readonly edited: readonly string[];
  /** Migrations of which nobody knows whether they were edited: they ran before checksums were kept. */
  readonly unknown: readonly string[];
  /** Migrations without a transaction that have begun and were not seen to end, and which way they went. */
  readonly interrupted: readonly { readonly name: string; readonly direction: MigrationDirection }[];
}

/**
 * What was found of the schema: `same` as recorded; `drifted`; `unrecorded`, where migrations have run and left no
 * record; `incomparable`, where another version of this library recorded it in another form; `empty`, where nothing
 * has run.
 */
export type SchemaState = 'same' | 'drifted' | 'unrecorded' | 'incomparable' | 'empty';

/** The live schema beside the recorded one. */
export interface SchemaVerification {
  /** What was found. */
  readonly state: SchemaState;
  /** In what the live schema is not the recorded one. */
  readonly differences: readonly SchemaDifference[];
}

/** What is looked at. */
export interface VerifyOptions {
  /** Whether the database looks for what is broken in itself, which reads all of a SQLite file. True by default. */
  readonly integrity?: boolean;
  /** How long somebody who migrates meanwhile is waited for, in ms from 0; 10,000 by default. */
  readonly patience?: number;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

const defaultPatience = 10_000;
const pause = 100;

/** What a verification has found. */
export interface MigrationVerification {
  /** One a set, in their order. */
  readonly sets: readonly SetVerification[];
  /** The live schema beside the recorded one: of the whole database, whatever sets were asked for. */
  readonly schema: SchemaVerification;
  /** What the database itself finds broken, a sentence each. */
  readonly faults: readonly string[];
  /** Who migrates at this moment, in words, so that what was found may be gone soon; undefined where nobody does. */
  readonly migrating: string | undefined;
  /** Whether there is nothing to complain of. */
  readonly isSound: boolean;
}

/**
 * Holds a database against its records, as of one moment. It takes no lock and writes nothing. Where it finds
 * something while another process migrates, it waits for that one and looks again.
 *
 * @param database a DatabaseProvider, or whatever has its `db` and `migrations`
 * @param sets the histories
 * @param options what is looked at, and how long others are waited for
 * @returns what was found; pending migrations are told, and are no fault
 * @throws ConfigurationError where the sets do not fit each other
 * @throws ConnectionError where the database cannot be reached
 * @example
 * const verification = await verifyMigrations(provider, [notes]);
 * if (!verification.isSound) console.log(describeVerification(verification).join('\n'));
 */
export async function verifyMigrations(
  { db, migrations }: MigratableDatabase,
  sets: readonly MigrationSet[],
  { integrity = true, patience = defaultPatience, clock = systemClock }: VerifyOptions = {},
): Promise<MigrationVerification> {
  const ordered = orderSets(sets, { areSome: true });
  const deadline = clock.monotonic() + patience;
  for (let isFirst = true; ; isFirst = false) {
    const found = await look({ db, migrations }, ordered).catch((error: unknown) => {
      // What was listed may be gone by the time that it is looked at.
      if (isFirst && error instanceof QueryError) return undefined;
      throw error;
    });
    if (found === undefined) continue;
    const holder = found.isSound ? undefined : await migrations.lock.findHolder(db);
    const migrating = holder?.isGone === false ? holder.description : undefined;
    // Once more also where nobody migrates any more: the catalogue of a server is not as of one moment.
    const isFinal = found.isSound || (migrating === undefined ? !isFirst : clock.monotonic() >= deadline);
    if (!isFinal) {
      if (migrating !== undefined) await sleep(clock, pause);
      continue;
    }
    const faults = integrity ? await migrations.findIntegrityFaults(db) : [];
    return { ...found, faults, migrating, isSound: found.isSound && faults.length === 0 };
  }
}

type Look = Pick<MigrationVerification, 'sets' | 'schema' | 'isSound'>;

function look({ db, migrations }: MigratableDatabase, sets: readonly MigrationSet[]): Promise<Look> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const schemaName = await migrations.currentSchema?.(trx);
      const verified: SetVerification[] = [];
      for (const set of sets) verified.push(await verifySet(trx, set, schemaName));
      const hasRun = verified.some(({ applied, misfit }) => applied > 0 || misfit !== undefined);
      const schema = await verifySchema({ db: trx, migrations }, schemaName, hasRun);
      return { sets: verified, schema, isSound: verified.every(isSoundSet) && isSoundSchema(schema) };
    });
}

/**
 * Says a verification in lines of text.
 *
 * @param verification what `verifyMigrations` or `Migrator.verify` returned
 * @returns the lines, without line ends; none where there is nothing to complain of
 * @example
 * for (const line of describeVerification(await migrator.verify())) console.error(line);
 */
export function describeVerification({
  sets,
  schema,
  faults,
  migrating,
}: MigrationVerification): readonly string[] {
  const lines = sets.flatMap(({ set, misfit, edited, unknown, interrupted }) => [
    ...(misfit === undefined ? [] : [`${set}: ${misfit}`]),
    ...edited.map(
      (name) => `${set}: migration "${name}" was edited after it had run; repair --accept ${name}`,
    ),
    ...unknown.map(
      (name) => `${set}: nobody knows whether migration "${name}" was edited; repair --accept ${name}`,
    ),
    ...interrupted.map(
      ({ name, direction }) =>
        `${set}: migration "${name}" has broken off on its way ${direction}; migrate ${direction} to end it, or repair --accept ${name} where it is not run again`,
    ),
  ]);
  if (schema.state === 'unrecorded')
    lines.push('schema: none is recorded that the live one could be held against; repair --accept-schema');
  if (schema.state === 'incomparable')
    lines.push(
      'schema: another version of liminal-data recorded it, so it cannot be compared until the next step',
    );
  lines.push(...schema.differences.map((difference) => `schema: ${describeDifference(difference)}`));
  if (schema.state === 'drifted')
    lines.push('schema: change it by a migration, or record it as it is: repair --accept-schema');
  lines.push(...faults.map((fault) => `integrity: ${fault}`));
  if (migrating !== undefined)
    lines.push(`somebody migrates at this moment, so look again afterwards: ${migrating}`);
  return lines;
}

async function verifySet(
  db: Kysely<any>,
  set: MigrationSet,
  schema: string | undefined,
): Promise<SetVerification> {
  const records = await readRecords(db, { set: set.name, schema });
  let applied = 0;
  let misfit: string | undefined;
  try {
    applied = (await readHistory(db, set, schema)).length;
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    misfit = error.message;
  }
  const edited: string[] = [];
  const unknown: string[] = [];
  for (const migration of set.migrations.slice(0, applied)) {
    const record = records.get(migration.name);
    // One that is on its way down tells of that.
    if (record?.state === 'running') continue;
    const recorded = record?.checksum;
    const current = await checksumOf(migration);
    // What cannot be read was not read when it ran either; where only one of the two can, it was changed.
    if (recorded === undefined && current !== undefined) unknown.push(migration.name);
    else if (recorded !== current) edited.push(migration.name);
  }
  const interrupted = [...records]
    .filter(([, { state }]) => state === 'running')
    .map(([name, { beginning }]) => ({ name, direction: beginning?.direction ?? ('up' as const) }));
  const pending = misfit === undefined ? set.migrations.slice(applied).map(({ name }) => name) : [];
  return { set: set.name, misfit, applied, pending, edited, unknown, interrupted };
}

async function verifySchema(
  { db, migrations }: MigratableDatabase,
  schema: string | undefined,
  hasRun: boolean,
): Promise<SchemaVerification> {
  const recorded = await findRecordedSchema(db, schema);
  if (recorded === undefined) return { state: hasRun ? 'unrecorded' : 'empty', differences: [] };
  const live = await migrations.readSchema(db);
  if (recorded.fingerprint === fingerprintSchema(live)) return { state: 'same', differences: [] };
  if (recorded.snapshot === undefined) {
    const isDamaged = recorded.fingerprint.startsWith(`${schemaFormat}:`);
    return isDamaged
      ? { state: 'drifted', differences: [damaged] }
      : { state: 'incomparable', differences: [] };
  }
  return { state: 'drifted', differences: diffSchemas(recorded.snapshot, live) };
}

const damaged: SchemaDifference = {
  kind: 'changed',
  path: 'table liminal_schemas › column snapshot',
  expected: 'the schema that the last step left',
  actual: 'what cannot be read',
};

function isSoundSet({ misfit, edited, unknown, interrupted }: SetVerification): boolean {
  return misfit === undefined && edited.length + unknown.length + interrupted.length === 0;
}

function isSoundSchema({ state }: SchemaVerification): boolean {
  return state !== 'drifted' && state !== 'unrecorded';
}

import type { Kysely } from 'kysely';
import type { MigrationTraits } from '../engine/migration-traits.ts';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import { DatabaseBusyError } from '../foundation/errors/transaction-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { ensureBookkeeping } from './bookkeeping.ts';
import { readHistory } from './migration-history.ts';
import { readRecords, writeRecord, type Beginning } from './migration-record.ts';
import type { MigrationSet } from './migration-set.ts';
import { runAndRecord } from './record-step.ts';
import { refuseStatements } from './refused-statements.ts';
import { performMigration } from './run-migration.ts';
import { lockedError, transact, type Step, type StepContext } from './step-context.ts';

/**
 * Takes one step without a transaction, while nobody else migrates. That it has begun is noted first, so that the
 * indexes which a run that broke off has left are found and dropped before it runs again.
 *
 * @param connection pinned, outside of a transaction
 * @returns when it began, on the monotonic clock; undefined where somebody else has changed the history meanwhile,
 *   and nothing was run
 * @throws whatever the migration threw; what it did before stays
 */
export async function takeStepAlone(
  connection: Kysely<any>,
  context: StepContext,
  step: Step,
): Promise<number | undefined> {
  const { traits, owner, lockTimeout, clock } = context;
  let isHeld = false;
  try {
    return await traits.lock.holdAlone(connection, { owner, timeout: lockTimeout, clock }, () => {
      isHeld = true;
      return runAlone(connection, context, step);
    });
  } catch (error) {
    throw !isHeld && error instanceof DatabaseBusyError ? lockedError(context, error) : error;
  }
}

async function runAlone(
  connection: Kysely<any>,
  context: StepContext,
  step: Step,
): Promise<number | undefined> {
  const { set, traits } = context;
  const { migration, direction } = step;
  const begun = await noteBeginning(connection, context, step);
  if (begun === undefined) return undefined;
  const start = context.clock.monotonic();
  const findOwnInvalid = async () =>
    (await findInvalid(connection, traits)).filter((name) => !begun.invalidBefore.includes(name));
  let failure: { readonly cause: unknown } | undefined;
  try {
    await traits.beginAlone?.(connection);
    for (const name of await findOwnInvalid()) await traits.dropInvalidIndex?.(connection, name);
    const db = refuseStatements(connection, (text) => traits.refuse?.(text));
    await performMigration(migration, direction, db, traits.columns);
    await requireForeignKeys(connection, traits);
  } catch (cause) {
    failure = { cause };
  }
  // A connection that was lost has no answer, and the first failure is the one that counts.
  const broken = failure === undefined ? await findOwnInvalid() : await findOwnInvalid().catch(() => []);
  if (failure !== undefined || broken.length > 0) throw brokenOffError(set, step, broken, failure);
  await transact(connection, context, (trx) => runAndRecord(trx, context, step, begun));
  return start;
}

/** @returns what was there before it began for the first time; undefined where somebody else was faster */
function noteBeginning(
  connection: Kysely<any>,
  context: StepContext,
  { migration, direction, before }: Step,
): Promise<Beginning | undefined> {
  const { set, schema, traits, clock } = context;
  const place = { set: set.name, schema };
  return transact(connection, context, async (trx) => {
    if ((await readHistory(trx, set, schema)).length !== before) return undefined;
    await ensureBookkeeping(trx, { schema, columns: traits.columns });
    const known = (await readRecords(trx, place)).get(migration.name);
    const beginning = known?.beginning ?? {
      direction,
      invalidBefore: await findInvalid(trx, traits),
      schemaBefore: await traits.readSchema(trx),
    };
    const record = { state: 'running', checksum: known?.checksum, beginning } as const;
    await writeRecord(trx, place, migration.name, record, clock.now());
    return beginning;
  });
}

/** Statements that Kysely did not build cannot be looked at before they are sent. */
async function requireForeignKeys(connection: Kysely<any>, { foreignKeys }: MigrationTraits): Promise<void> {
  if (foreignKeys === undefined || (await foreignKeys.areOn(connection))) return;
  await foreignKeys.set(connection, true);
  throw new ValidationError(
    'The migration has switched foreign keys off and not on again. They are on now; rows that refer to nothing may be there. Declare foreignKeys: "off" on a migration with a transaction.',
  );
}

async function findInvalid(db: Kysely<any>, traits: MigrationTraits): Promise<readonly string[]> {
  return (await traits.findInvalidIndexes?.(db)) ?? [];
}

function brokenOffError(
  set: MigrationSet,
  { migration, direction }: Step,
  indexes: readonly string[],
  failure: { readonly cause: unknown } | undefined,
): MigrationError {
  const named = indexes.map((index) => `"${index}"`).join(', ');
  const left =
    indexes.length === 0
      ? ''
      : ` It has left an INVALID index, which no query uses: ${named}. That is dropped when the migration runs again.`;
  return new MigrationError(
    `Migration "${migration.name}" of set "${set.name}" failed on its way ${direction}. It has no transaction, so what it did before stays, and it runs again from its start.${left}`,
    set.name,
    migration.name,
    failure,
  );
}

import type { Kysely } from 'kysely';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import { runAndRecord } from './record-step.ts';
import { transact, type Step, type StepContext } from './step-context.ts';

/**
 * Takes one step in a transaction.
 *
 * @param connection pinned, outside of a transaction
 * @returns when it began, on the monotonic clock; undefined where somebody else has changed the history meanwhile,
 *   and nothing was run
 * @throws whatever the migration threw; nothing of it is kept
 */
export async function takeStepInTransaction(
  connection: Kysely<any>,
  context: StepContext,
  step: Step,
): Promise<number | undefined> {
  const { traits } = context;
  const { foreignKeys } = traits;
  if (step.migration.foreignKeys !== 'off' || foreignKeys === undefined) {
    return transact(connection, context, (trx) => runAndRecord(trx, context, step));
  }
  await foreignKeys.set(connection, false);
  try {
    return await transact(connection, context, async (trx) => {
      const start = await runAndRecord(trx, context, step);
      if (start !== undefined) requireSound(await foreignKeys.findBroken(trx), context, step);
      return start;
    });
  } finally {
    // A connection that was lost has no setting any more, and what it was lost in is what counts.
    await foreignKeys.set(connection, true).catch(() => undefined);
  }
}

function requireSound(broken: readonly string[], { set }: StepContext, { migration }: Step): void {
  if (broken.length === 0) return;
  throw new MigrationError(
    `Migration "${migration.name}" of set "${set.name}" leaves foreign keys that refer to nothing: ${broken.join('; ')}.`,
    set.name,
    migration.name,
  );
}

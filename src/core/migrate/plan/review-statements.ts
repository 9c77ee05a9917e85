/** Holds what was recorded against what the migration says of itself. Pure. */
import { destructiveCodes, isDangerCode } from '../../engine/danger-codes.ts';
import type { Danger } from '../../engine/statement-assessment.ts';
import type { Migration } from '../migration.ts';
import type { MigrationDirection } from '../run-migration.ts';
import type { PlannedStatement, StaleReview } from './migration-plan.ts';
import { foldRebuilds } from './rebuild-in-plan.ts';
import type { RecordedStatement } from './recorded-statement.ts';

type Terms = Pick<Migration, 'destructive' | 'reviewed'>;

/** Says of each statement which of its dangers were looked at. */
export function reviewStatements(
  recorded: readonly RecordedStatement[],
  terms: Terms,
): readonly PlannedStatement[] {
  return foldRebuilds(recorded).map(({ sql, parameters, executed, duration, assessment }) => ({
    sql,
    parameters,
    kind: assessment.kind,
    tables: assessment.tables,
    destroys: assessment.destroys,
    locks: assessment.locks,
    rewrites: assessment.rewrites,
    measured: assessment.measured,
    dangers: assessment.dangers.map((danger) => ({ ...danger, reviewed: reasonOf(danger, terms) })),
    executed,
    duration,
  }));
}

/**
 * Finds reviews that fit nothing. On the way down, and in a migration that failed, only codes that do not exist at
 * all are told: what was reviewed is what `up` does, all of it.
 */
export function findStaleReviews(
  recorded: readonly RecordedStatement[],
  { reviewed = {} }: Terms,
  { direction, isWhole }: { readonly direction: MigrationDirection; readonly isWhole: boolean },
): readonly StaleReview[] {
  const occurred = new Set<string>(
    foldRebuilds(recorded).flatMap(({ assessment, codesInUse }) => [
      ...assessment.dangers.map(({ code }) => code),
      ...codesInUse,
    ]),
  );
  return Object.keys(reviewed).flatMap((code): readonly StaleReview[] => {
    if (!isDangerCode(code)) return [{ code, why: 'no such code' }];
    return direction === 'up' && isWhole && !occurred.has(code) ? [{ code, why: 'did not occur' }] : [];
  });
}

function reasonOf({ code }: Danger, { destructive, reviewed = {} }: Terms): string | undefined {
  if (Object.hasOwn(reviewed, code)) return reviewed[code];
  return destructiveCodes.has(code) ? destructive : undefined;
}

import { MigrationError } from '../foundation/errors/migration-errors.ts';
import type { MigrationSet, NamedMigration } from './migration-set.ts';
import type { MigrationDirection } from './run-migration.ts';

/** Says by the number of applied migrations which way the next step leads; undefined where there is none. */
export type Course = (applied: number) => MigrationDirection | undefined;

/** A step that a run would take. */
export interface PlannedStep {
  readonly migration: NamedMigration;
  readonly direction: MigrationDirection;
}

/** Finds the next step of a course; undefined where there is none. */
export function nextStep(set: MigrationSet, course: Course, applied: number): PlannedStep | undefined {
  const direction = course(applied);
  const migration = set.migrations[direction === 'up' ? applied : applied - 1];
  return direction === undefined || migration === undefined ? undefined : { migration, direction };
}

/**
 * Lists the steps of a course.
 *
 * @param limit the most steps
 * @throws MigrationError where one of them leads down through a migration that cannot be taken back
 */
export function listSteps(
  set: MigrationSet,
  course: Course,
  applied: number,
  limit: number,
): readonly PlannedStep[] {
  const steps: PlannedStep[] = [];
  let at = applied;
  while (steps.length < limit) {
    const step = nextStep(set, course, at);
    if (step === undefined) break;
    requireReversible(set, step);
    steps.push(step);
    at += step.direction === 'up' ? 1 : -1;
  }
  return steps;
}

/** @throws MigrationError where a step leads down through a migration that cannot be taken back */
export function requireReversible(set: MigrationSet, { migration, direction }: PlannedStep): void {
  if (direction === 'up' || migration.irreversible === undefined) return;
  throw new MigrationError(
    `Migration "${migration.name}" of set "${set.name}" cannot be taken back: ${migration.irreversible} Nothing was run. Go forward with a new migration, or restore a backup.`,
    set.name,
    migration.name,
  );
}

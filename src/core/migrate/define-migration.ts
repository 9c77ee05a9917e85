import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { Migration } from './migration.ts';

/**
 * Defines one migration, with its types, and checks it. It runs nothing; a set gives it its name and its place.
 *
 * @param migration what it does on its way up, and how that is taken back, or why it cannot be
 * @returns a frozen copy
 * @throws ValidationError with every fault: a missing `up`; neither `down` nor `irreversible`, or both; a reason
 *   without a word; `foreignKeys: 'off'` without a transaction
 * @example
 * export default defineMigration({
 *   async up(db, t) {
 *     await t.createTable(db, 'notes', (c) => ({ id: c.id(), body: c.text() }));
 *   },
 *   async down(db) {
 *     await db.schema.dropTable('notes').execute();
 *   },
 * });
 */
export function defineMigration(migration: Migration): Migration {
  const issues = findMigrationFaults(migration);
  if (issues.length > 0) throw new ValidationError(issues);
  return Object.freeze({ ...migration });
}

/** Finds what keeps an object from being a migration. */
export function findMigrationFaults(
  migration: Migration,
  path: readonly (string | number)[] = [],
): readonly Issue[] {
  const issues: Issue[] = [];
  const fault = (name: string, message: string) => void issues.push({ path: [...path, name], message });
  // From JavaScript anything may come.
  const { up, down, transaction, foreignKeys, destructive, reviewed, irreversible } = {
    ...migration,
  } as Readonly<Record<string, unknown>>;
  if (typeof up !== 'function') fault('up', 'must be a function');
  if (irreversible === undefined && typeof down !== 'function') {
    fault('down', 'must be a function; a migration that cannot be taken back says why in `irreversible`');
  }
  if (irreversible !== undefined) {
    if (down !== undefined) fault('down', 'must not be there in a migration that is irreversible');
    if (!isReason(irreversible)) fault('irreversible', 'must say why, in words');
  }
  if (transaction !== undefined && typeof transaction !== 'boolean')
    fault('transaction', 'must be a boolean');
  if (foreignKeys !== undefined && foreignKeys !== 'off')
    fault('foreignKeys', 'must be "off" where it is given');
  if (foreignKeys !== undefined && transaction === false)
    fault('foreignKeys', 'needs the transaction, in which they are checked before the commit');
  if (destructive !== undefined && !isReason(destructive)) fault('destructive', 'must say why, in words');
  if (reviewed !== undefined && !isReviewed(reviewed))
    fault('reviewed', 'must give the reason, in words, for each code of a danger');
  return issues;
}

function isReason(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

function isReviewed(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every(isReason);
}

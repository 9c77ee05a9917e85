import type { Kysely } from 'kysely';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Issue } from '../../foundation/issue.ts';

/** Rows that a database is given to begin with, such as the countries of the world or accounts for a demo. */
export interface Seed<DB = any> {
  /** Unique among the seeds of a project; it never changes once it has run. 1 to 255 ASCII letters, digits and _ . : - signs. */
  readonly name: string;
  /**
   * Writes the rows. Those that may be there already are best written with `upsertRows`.
   *
   * @param db the transaction that holds this seed alone
   */
  run(db: Kysely<DB>): Promise<void>;
}

const seedName = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}$/;

/**
 * Checks a seed and freezes it.
 *
 * @param seed its name, and what it does
 * @returns a frozen copy
 * @throws ValidationError with every fault
 * @example
 * export const plans = defineSeed({
 *   name: 'plans',
 *   run: (db) => upsertRows(db, 'plans', ['id'], [{ id: 'free', price: 0 }, { id: 'pro', price: 900 }]),
 * });
 */
export function defineSeed<DB = any>(seed: Seed<DB>): Seed<DB> {
  const issues: Issue[] = [];
  if (typeof seed.name !== 'string' || !seedName.test(seed.name)) {
    issues.push({
      path: ['name'],
      message:
        'must be 1 to 255 ASCII letters, digits and _ . : - signs, the first of them a letter or digit',
    });
  }
  if (typeof seed.run !== 'function') issues.push({ path: ['run'], message: 'must be a function' });
  if (issues.length > 0) throw new ValidationError(issues);
  return Object.freeze({ name: seed.name, run: (db: Kysely<DB>) => seed.run(db) });
}

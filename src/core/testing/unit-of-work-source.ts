import type { QueryExecutorProvider } from 'kysely';
import type { UnitOfWork, UnitOptions } from '../transaction/unit-of-work.ts';
import type { Unit } from '../transaction/unit.ts';
import { assertNotProduction } from './assert-not-production.ts';
import type { ScopeTools, TransactionSource } from './transaction-source.ts';

/**
 * A unit of work as the checks see it: `run` for a transaction, `run` inside of it for a nested scope, and its hooks.
 *
 * @param unitOfWork runs the transactions
 * @param provider the one that it works on, for its root handle
 * @param defaults options for each unit that a check runs
 * @returns the source, for the subjects of the checks
 * @throws ConfigurationError with `NODE_ENV=production`
 * @example
 * const subject = kyselyEscapeSubject(unitOfWorkSource(unitOfWork, provider));
 */
export function unitOfWorkSource<DB, Repositories, Services>(
  unitOfWork: UnitOfWork<DB, Repositories, Services>,
  provider: { readonly db: QueryExecutorProvider },
  defaults: UnitOptions = {},
): TransactionSource {
  assertNotProduction();
  const toolsOf = ({ afterCommit, afterRollback }: Unit<DB, Repositories, Services>): ScopeTools => ({
    nested: (work) => unitOfWork.run((inner) => work(inner.db, toolsOf(inner))),
    afterCommit,
    afterRollback,
  });
  return {
    db: provider.db,
    transaction: (work, options) =>
      unitOfWork.run((unit) => work(unit.db, toolsOf(unit)), { ...defaults, ...options }),
  };
}

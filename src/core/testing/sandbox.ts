import type { Transaction } from 'kysely';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { assertNotProduction } from './assert-not-production.ts';

/** What a sandbox needs of a provider. */
export interface SandboxProvider<DB> {
  /** As `DatabaseProvider.transaction`. */
  transaction<Result>(work: (tx: Transaction<DB>) => Promise<Result>): Promise<Result>;
}

/**
 * Runs work in a transaction that is always rolled back: a test sees its own rows and leaves none behind, so that
 * tests need neither an order nor a cleaning. A unit of work that is run inside becomes a savepoint of it, so that
 * services run as they are; their `afterCommit` hooks are not called, since nothing is committed.
 *
 * What is drawn from a sequence stays drawn. On SQLite, sandboxes of one database run one after the other.
 *
 * @param provider whose database it is
 * @param work is given the handle of the transaction
 * @returns what the work returns
 * @throws what the work throws, or what beginning or rolling back throws
 * @throws ValidationError where the provider commits although the work has thrown
 * @throws ConfigurationError with `NODE_ENV=production`
 * @example
 * const found = await sandbox(provider, async (tx) => {
 *   await users.insert(ada, { on: tx });
 *   return users.findById(ada.id, { on: tx });
 * });
 */
export async function sandbox<DB, Result>(
  provider: SandboxProvider<DB>,
  work: (tx: Transaction<DB>) => Promise<Result>,
): Promise<Result> {
  assertNotProduction();
  const ending = new SandboxEnding();
  let done: { readonly result: Result } | undefined;
  try {
    await provider.transaction(async (tx) => {
      done = { result: await work(tx) };
      throw ending;
    });
  } catch (error) {
    if (error === ending && done !== undefined) return done.result;
    throw error;
  }
  const message = 'must roll back a transaction whose work throws; it committed one';
  throw new ValidationError([{ path: ['provider'], message }]);
}

class SandboxEnding extends Error {
  override readonly name = 'SandboxEnding';

  constructor() {
    super('The sandbox rolls back what was done in it.');
  }
}

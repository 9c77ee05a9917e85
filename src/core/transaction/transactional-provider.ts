import type { Transaction } from 'kysely';
import type { RepositoryProvider } from '../repository/table-definition.ts';

/**
 * What a repository or a service needs to work on a database, whether it stands alone or inside of a unit of work:
 * `DatabaseProvider` fits, and so does what a unit of work hands to the makers of its repositories and services.
 */
export interface TransactionalProvider<DB> extends RepositoryProvider<DB> {
  /**
   * Runs work that holds together: in a transaction of its own; inside of a unit of work in a savepoint, so that
   * the unit decides what stays.
   *
   * @param work is given the handle whose statements belong to it
   * @returns what the work returns
   */
  transaction<Result>(work: (tx: Transaction<DB>) => Promise<Result>): Promise<Result>;
}

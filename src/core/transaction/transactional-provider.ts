import type { Transaction } from 'kysely';
import type { RepositoryProvider } from '../repository/repository-provider.ts';

/**
 * What a repository or a service needs to work on a database, whether it stands alone or inside of a unit of work:
 * `DatabaseProvider` fits, and so does what a unit of work hands to the makers of its repositories and services.
 *
 * @typeParam DB the table interfaces
 * @typeParam Options what `transaction` takes behind the work; nothing by default
 */
export interface TransactionalProvider<
  DB,
  Options extends readonly unknown[] = [],
> extends RepositoryProvider<DB> {
  /**
   * Runs work that holds together: in a transaction of its own; inside of a unit of work in a savepoint, so that
   * the unit decides what stays.
   *
   * @param work is given the handle whose statements belong to it
   * @param options how it runs, where the provider takes that
   * @returns what the work returns
   */
  transaction<Result>(work: (tx: Transaction<DB>) => Promise<Result>, ...options: Options): Promise<Result>;
}

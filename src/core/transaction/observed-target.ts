import type { RepositoryProvider } from '../repository/repository-provider.ts';
import type { TransactionalProvider } from './transactional-provider.ts';

/** What repositories are made on, with transactions where it has some. */
export type ObservableTarget<DB> = RepositoryProvider<DB> &
  Partial<Pick<TransactionalProvider<DB, readonly unknown[]>, 'transaction'>>;

/**
 * Puts an observer of reads or of writes behind what repositories are made on; the other one stays, and so do its
 * transactions.
 */
export function observedTarget<DB>(
  target: ObservableTarget<DB>,
  observers: Pick<RepositoryProvider<DB>, 'reads' | 'writes'>,
): RepositoryProvider<DB> {
  const { db, sql, direct, shared, writes, reads } = target;
  const base = { db, sql, direct, shared, writes, reads, ...observers };
  return target.transaction === undefined
    ? base
    : ({
        ...base,
        transaction: (...args: Parameters<typeof target.transaction>) => target.transaction!(...args),
      } as RepositoryProvider<DB>);
}

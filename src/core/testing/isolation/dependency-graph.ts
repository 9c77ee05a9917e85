import type { IsolationTransaction } from './isolation-history.ts';
import type { VersionOrder } from './version-order.ts';

/**
 * How one transaction depends on another. `ww`: it wrote the next version of a key. `wr`: it read the version that the
 * other wrote. `rw`: it wrote the version after the one that the other read.
 */
export interface Dependency {
  readonly kind: 'ww' | 'wr' | 'rw';
  readonly from: number;
  readonly to: number;
  readonly key: string;
}

/** The dependencies of each transaction, by the id of the one that comes first. */
export type DependencyGraph = ReadonlyMap<number, readonly Dependency[]>;

/** Draws Adya's graph of direct dependencies between the transactions that were committed. */
export function drawDependencies(
  transactions: readonly IsolationTransaction[],
  { orders, writers }: VersionOrder,
): DependencyGraph {
  const edges = new Map<string, Dependency>();
  const connect = (
    kind: Dependency['kind'],
    from: IsolationTransaction | undefined,
    to: IsolationTransaction | undefined,
    key: string,
  ) => {
    if (from === undefined || to === undefined || from.id === to.id) return;
    if (from.outcome === 'aborted' || to.outcome === 'aborted') return;
    edges.set(`${kind} ${from.id} ${to.id} ${key}`, { kind, from: from.id, to: to.id, key });
  };
  const writerAt = (key: string, index: number) => {
    const value = orders.get(key)?.[index];
    return value === undefined ? undefined : writers.get(value);
  };
  for (const [key, order] of orders) {
    for (const index of order.keys()) connect('ww', writerAt(key, index), writerAt(key, index + 1), key);
  }
  for (const transaction of transactions) {
    for (const operation of transaction.operations) {
      if (operation.kind !== 'read') continue;
      const { key, values } = operation;
      const isOwn = (value: number | undefined) =>
        value !== undefined && writers.get(value)?.id === transaction.id;
      // The version is the last one that somebody else wrote; what comes behind it is the transaction's own.
      const version = values.findLastIndex((value) => !isOwn(value));
      if (version >= 0) connect('wr', writers.get(values[version] as number), transaction, key);
      connect('rw', transaction, writerAt(key, version + 1), key);
    }
  }
  return Map.groupBy(edges.values(), ({ from }) => from);
}

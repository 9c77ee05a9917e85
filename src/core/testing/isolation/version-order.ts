import type { IsolationAnomaly } from './isolation-anomaly.ts';
import type { IsolationHistory, IsolationTransaction } from './isolation-history.ts';

/** The versions of every key, and who wrote what. */
export interface VersionOrder {
  /** The values of each key in the order in which they were written. */
  readonly orders: ReadonlyMap<string, readonly number[]>;
  /** Who appended a value. */
  readonly writers: ReadonlyMap<number, IsolationTransaction>;
  /** What is wrong with the order itself. */
  readonly anomalies: readonly IsolationAnomaly[];
}

/** Finds the order of each key: that of its final list where there is one, else of its longest read. */
export function findVersionOrder({ transactions, final }: IsolationHistory): VersionOrder {
  const writers = new Map<number, IsolationTransaction>();
  const orders = new Map<string, readonly number[]>(final);
  const anomalies: IsolationAnomaly[] = [];
  for (const transaction of transactions) {
    for (const operation of transaction.operations) {
      const { key } = operation;
      if (operation.kind === 'append') writers.set(operation.value, transaction);
      // What an aborted transaction read of itself is no version that anybody else may see.
      else if (transaction.outcome !== 'aborted' && !(final?.has(key) ?? false)) {
        if (operation.values.length > (orders.get(key)?.length ?? -1)) orders.set(key, operation.values);
      }
    }
  }
  for (const { id, outcome, operations } of transactions) {
    for (const operation of operations) {
      const order = orders.get(operation.key) ?? [];
      if (operation.kind === 'read') {
        if (outcome === 'aborted' || isPrefix(operation.values, order)) continue;
        const seen = `read ${show(operation.key, operation.values)}, and the order is ${show(operation.key, order)}`;
        anomalies.push({ kind: 'incompatible order', transactions: [id], explanation: `T${id} ${seen}` });
      } else if (outcome === 'committed' && final !== undefined && !order.includes(operation.value)) {
        const explanation = `T${id} appended ${operation.value} to ${operation.key} and was committed, and it is gone`;
        anomalies.push({ kind: 'lost append', transactions: [id], explanation });
      }
    }
  }
  return { orders, writers, anomalies };
}

function isPrefix(values: readonly number[], order: readonly number[]): boolean {
  return values.length <= order.length && values.every((value, index) => order[index] === value);
}

function show(key: string, values: readonly number[]): string {
  return `${key} = [${values.join(', ')}]`;
}

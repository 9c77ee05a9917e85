import type { IsolationAnomaly } from './isolation-anomaly.ts';
import type { IsolationTransaction, ReadOperation } from './isolation-history.ts';

/** What a read shows by itself: values of aborted transactions, unfinished ones, and own ones that are missing. */
export function findDirtyReads(
  transactions: readonly IsolationTransaction[],
  writers: ReadonlyMap<number, IsolationTransaction>,
): IsolationAnomaly[] {
  return transactions
    .filter(({ outcome }) => outcome !== 'aborted')
    .flatMap((transaction) => readsOf(transaction).flatMap((read) => judgeRead(transaction, read, writers)));
}

interface ReadInPlace {
  readonly read: ReadOperation;
  /** What the transaction had appended to the key before. */
  readonly own: readonly number[];
}

function readsOf({ operations }: IsolationTransaction): ReadInPlace[] {
  const appended = new Map<string, number[]>();
  const reads: ReadInPlace[] = [];
  for (const operation of operations) {
    const own = appended.get(operation.key) ?? [];
    if (operation.kind === 'read') reads.push({ read: operation, own });
    else appended.set(operation.key, [...own, operation.value]);
  }
  return reads;
}

function judgeRead(
  { id }: IsolationTransaction,
  { read: { key, values }, own }: ReadInPlace,
  writers: ReadonlyMap<number, IsolationTransaction>,
): IsolationAnomaly[] {
  const found: IsolationAnomaly[] = [];
  if (own.some((value, index) => values[values.length - own.length + index] !== value)) {
    const explanation = `T${id} had appended ${own.join(', ')} to ${key}, and read [${values.join(', ')}]`;
    found.push({ kind: 'own write unseen', transactions: [id], explanation });
  }
  for (const value of values) {
    const writer = writers.get(value);
    if (writer?.outcome !== 'aborted' || writer.id === id) continue;
    const explanation = `T${id} read ${value} of ${key} from T${writer.id}, which was rolled back`;
    found.push({ kind: 'aborted read', transactions: [id, writer.id], explanation });
  }
  const last = values.at(-1 - own.length);
  const writer = last === undefined ? undefined : writers.get(last);
  if (writer === undefined || writer.id === id || writer.outcome === 'aborted') return found;
  const finalOfWriter = writer.operations.findLast(
    (operation) => operation.kind === 'append' && operation.key === key,
  );
  if (finalOfWriter?.kind === 'append' && finalOfWriter.value !== last) {
    const explanation = `T${id} read ${last} of ${key} from T${writer.id}, which went on to append ${finalOfWriter.value}`;
    found.push({ kind: 'intermediate read', transactions: [id, writer.id], explanation });
  }
  return found;
}

import type { Random } from '../seeded-random.ts';

/** What a transaction is going to do; values are chosen when it runs, since it may run more than once. */
export interface PlannedTransaction {
  readonly operations: readonly { readonly kind: 'append' | 'read'; readonly key: string }[];
  /** Whether it throws at its end, on purpose. */
  readonly isUndone: boolean;
  readonly readOnly: boolean;
}

/** After so many appends a key makes room for a new one: long lists make every read slow. */
const appendsPerKey = 40;
const shareUndone = 0.05;
const shareReadOnly = 0.15;
/** The others append to their keys in one order: a deadlock holds everybody up until the server looks for it. */
const shareOfAnyOrder = 0.02;

/**
 * Plans transactions on a few keys at a time, so that those that run together meet: each reads and appends one to four
 * times, often the same key twice.
 *
 * @param keys how many keys are in use at a time
 */
export function planTransactions(
  count: number,
  keys: number,
  random: Random,
): { readonly plans: readonly PlannedTransaction[]; readonly keys: readonly string[] } {
  const active = Array.from({ length: keys }, (_, index) => `k${index + 1}`);
  const all = [...active];
  const appends = new Map<string, number>();
  const plans = Array.from({ length: count }, (): PlannedTransaction => {
    const readOnly = random() < shareReadOnly;
    const operations = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
      const slot = Math.floor(random() * keys);
      const key = active[slot] as string;
      const kind = readOnly || random() < 0.5 ? ('read' as const) : ('append' as const);
      if (kind === 'append') {
        const made = (appends.get(key) ?? 0) + 1;
        appends.set(key, made);
        if (made === appendsPerKey) {
          active[slot] = `k${all.length + 1}`;
          all.push(active[slot]);
        }
      }
      return { kind, key };
    });
    return {
      operations: random() < shareOfAnyOrder ? operations : orderAppends(operations, all),
      readOnly,
      isUndone: !readOnly && random() < shareUndone,
    };
  });
  return { plans, keys: all };
}

/** Reads stay where they are, and appends change places with each other. */
function orderAppends(
  operations: PlannedTransaction['operations'],
  keys: readonly string[],
): PlannedTransaction['operations'] {
  const appended = operations.filter(({ kind }) => kind === 'append').map(({ key }) => key);
  const ordered = appended.toSorted((one, other) => keys.indexOf(one) - keys.indexOf(other)).values();
  return operations.map((operation) =>
    operation.kind === 'read' ? operation : { kind: 'append', key: ordered.next().value ?? operation.key },
  );
}

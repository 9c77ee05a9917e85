import { findCircles, findPath } from './cycles.ts';
import { drawDependencies, type Dependency, type DependencyGraph } from './dependency-graph.ts';
import { findDirtyReads } from './dirty-reads.ts';
import type { AnomalyKind, IsolationAnomaly } from './isolation-anomaly.ts';
import type { IsolationHistory, IsolationOperation, IsolationTransaction } from './isolation-history.ts';
import { findVersionOrder } from './version-order.ts';

/**
 * Finds the anomalies of a history: what reads show by themselves, and circles of dependencies between committed
 * transactions (after Elle and Adya). Where it finds none, the history is serializable: the transactions could have
 * run one after the other. It looks at what was read and appended, not at times.
 *
 * @param history what the transactions did; values that are appended must be unique in it
 * @returns each anomaly once, the shortest circle for each dependency that closes one
 * @example
 * const lost = findAnomalies({
 *   transactions: [
 *     { id: 1, outcome: 'committed', operations: [{ kind: 'read', key: 'x', values: [] }, { kind: 'append', key: 'x', value: 1 }] },
 *     { id: 2, outcome: 'committed', operations: [{ kind: 'read', key: 'x', values: [] }, { kind: 'append', key: 'x', value: 2 }] },
 *   ],
 *   final: new Map([['x', [1, 2]]]),
 * });
 */
export function findAnomalies(history: IsolationHistory): IsolationAnomaly[] {
  const transactions = settleUnknown(history);
  const order = findVersionOrder({ ...history, transactions });
  const graph = drawDependencies(transactions, order);
  return [...order.anomalies, ...findDirtyReads(transactions, order.writers), ...findCycles(graph)];
}

/** What nobody could say was committed counts as committed where somebody saw it, and as undone where nobody did. */
function settleUnknown({ transactions, final }: IsolationHistory): readonly IsolationTransaction[] {
  const seen = new Set(final === undefined ? [] : [...final.values()].flat());
  for (const { operations } of transactions) {
    for (const operation of operations) {
      if (operation.kind !== 'read') continue;
      const own = new Set(appendsOf(operations));
      for (const value of operation.values) if (!own.has(value)) seen.add(value);
    }
  }
  return transactions.map((transaction) => {
    if (transaction.outcome !== 'unknown') return transaction;
    const wasSeen = appendsOf(transaction.operations).some((value) => seen.has(value));
    return { ...transaction, outcome: wasSeen ? 'committed' : 'aborted' };
  });
}

function appendsOf(operations: readonly IsolationOperation[]): number[] {
  return operations.flatMap((operation) => (operation.kind === 'append' ? [operation.value] : []));
}

const isWrite = ({ kind }: Dependency) => kind === 'ww';
const isNoAntiDependency = ({ kind }: Dependency) => kind !== 'rw';

function findCycles(graph: DependencyGraph): IsolationAnomaly[] {
  const found = new Map<string, IsolationAnomaly>();
  for (const circle of findCircles(graph)) {
    for (const cycle of closeCycles(graph, circle)) {
      const transactions = rotate(cycle.map(({ from }) => from));
      const kind = classify(cycle, graph);
      found.set(`${kind} ${transactions.join(' ')}`, { kind, transactions, explanation: explain(cycle) });
    }
  }
  return [...found.values()];
}

/**
 * The shortest circle over each edge, closed by edges as harmless as there are: by writes alone, then by what was
 * read as well, then by anything. An edge that lies on such a circle already is not looked at again.
 */
function* closeCycles(graph: DependencyGraph, circle: ReadonlySet<number>): Generator<Dependency[]> {
  const inside = ({ to }: Dependency) => circle.has(to);
  const edges = [...circle].flatMap((id) => (graph.get(id) ?? []).filter(inside));
  const rounds: [Dependency['kind'], (edge: Dependency) => boolean][] = [
    ['ww', isWrite],
    ['wr', isNoAntiDependency],
    ['rw', isNoAntiDependency],
    ['rw', () => true],
  ];
  const closed = new Set<Dependency>();
  for (const [kind, passes] of rounds) {
    for (const edge of edges) {
      if (edge.kind !== kind || closed.has(edge)) continue;
      const back = findPath(graph, edge.to, edge.from, (next) => inside(next) && passes(next));
      if (back === undefined) continue;
      const cycle = [edge, ...back];
      for (const part of cycle) if (part.kind === kind) closed.add(part);
      yield cycle;
    }
  }
}

function classify(cycle: readonly Dependency[], graph: DependencyGraph): AnomalyKind {
  if (cycle.every(isWrite)) return 'dirty write';
  const antiDependencies = cycle.filter(({ kind }) => kind === 'rw');
  const [single] = antiDependencies;
  if (single === undefined) return 'circular information flow';
  if (antiDependencies.length > 1) return 'write skew';
  const { from, to, key } = single;
  const hasEdgeBack = (kind: Dependency['kind']) =>
    (graph.get(to) ?? []).some((edge) => edge.to === from && edge.kind === kind && edge.key === key);
  // Both wrote the key that one of them had read before; or one of them read it before the other wrote, and after.
  if (hasEdgeBack('ww') || wroteBoth(cycle, key)) return 'lost update';
  return hasEdgeBack('wr') ? 'non-repeatable read' : 'read skew';
}

function wroteBoth(cycle: readonly Dependency[], key: string): boolean {
  return cycle.every((edge) => edge.key === key && edge.kind !== 'wr');
}

function explain(cycle: readonly Dependency[]): string {
  const words = {
    ww: (key: string) => `wrote ${key} before`,
    wr: (key: string) => `wrote ${key} as it was read by`,
    rw: (key: string) => `read ${key} before it was written by`,
  };
  return cycle.map(({ kind, from, to, key }) => `T${from} ${words[kind](key)} T${to}`).join('; ');
}

/** The same circle is found from each of its edges. */
function rotate(ids: readonly number[]): number[] {
  const start = ids.indexOf(Math.min(...ids));
  return [...ids.slice(start), ...ids.slice(0, start)];
}

import type { Dependency, DependencyGraph } from './dependency-graph.ts';

/**
 * Groups of transactions that depend on each other in a circle (strongly connected components of more than one),
 * by Tarjan's algorithm, without recursion: a history may be longer than the stack.
 */
export function findCircles(graph: DependencyGraph): ReadonlySet<number>[] {
  const indices = new Map<number, number>();
  const lows = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  const circles: ReadonlySet<number>[] = [];
  const lower = (id: number, to: number) => lows.set(id, Math.min(lows.get(id) ?? to, to));
  for (const root of graph.keys()) {
    if (indices.has(root)) continue;
    const trail: { readonly id: number; next: number }[] = [];
    const enter = (id: number) => {
      indices.set(id, indices.size);
      lows.set(id, indices.get(id) as number);
      stack.push(id);
      onStack.add(id);
      trail.push({ id, next: 0 });
    };
    enter(root);
    for (let frame = trail.at(-1); frame !== undefined; frame = trail.at(-1)) {
      const edge = graph.get(frame.id)?.[frame.next];
      frame.next += 1;
      if (edge !== undefined) {
        if (!indices.has(edge.to)) enter(edge.to);
        else if (onStack.has(edge.to)) lower(frame.id, indices.get(edge.to) as number);
        continue;
      }
      trail.pop();
      const parent = trail.at(-1);
      if (parent !== undefined) lower(parent.id, lows.get(frame.id) as number);
      if (lows.get(frame.id) !== indices.get(frame.id)) continue;
      const circle = new Set(stack.splice(stack.lastIndexOf(frame.id)));
      for (const id of circle) onStack.delete(id);
      if (circle.size > 1) circles.push(circle);
    }
  }
  return circles;
}

/** The shortest way from one transaction to another over edges that pass; undefined where there is none. */
export function findPath(
  graph: DependencyGraph,
  from: number,
  to: number,
  passes: (edge: Dependency) => boolean,
): Dependency[] | undefined {
  const arrivals = new Map<number, Dependency | undefined>([[from, undefined]]);
  const waiting = [from];
  for (const id of waiting) {
    for (const edge of graph.get(id) ?? []) {
      if (arrivals.has(edge.to) || !passes(edge)) continue;
      arrivals.set(edge.to, edge);
      if (edge.to === to) return pathTo(edge, arrivals);
      waiting.push(edge.to);
    }
  }
  return undefined;
}

function pathTo(last: Dependency, arrivals: ReadonlyMap<number, Dependency | undefined>): Dependency[] {
  const path: Dependency[] = [];
  for (let edge: Dependency | undefined = last; edge !== undefined; edge = arrivals.get(edge.from))
    path.unshift(edge);
  return path;
}

import type { AuditEntry } from './audit-entry.ts';

/**
 * Puts entries of several chains into one order: each chain in its own, which no clock can change, and chains among
 * each other by the time of what comes next in each.
 */
export function orderEntries(entries: readonly AuditEntry[]): AuditEntry[] {
  const chains = [...Map.groupBy(entries, ({ stream }) => stream).values()].map((chain) =>
    // From the back, so that taking the next one moves nothing.
    chain.toSorted((one, other) => other.seq - one.seq),
  );
  const [only, ...others] = chains;
  if (only === undefined || others.length === 0) return only?.reverse() ?? [];
  const ordered: AuditEntry[] = [];
  while (ordered.length < entries.length) {
    const next = chains
      .filter((chain) => chain.length > 0)
      .reduce((one, other) => (comesFirst(other.at(-1)!, one.at(-1)!) ? other : one));
    ordered.push(next.pop()!);
  }
  return ordered;
}

/** Whether an entry was recorded before another; of one time, whether its id is the smaller one. */
export function comesFirst(one: AuditEntry, other: AuditEntry): boolean {
  if (one.recordedAt !== other.recordedAt) return one.recordedAt < other.recordedAt;
  return one.id < other.id;
}

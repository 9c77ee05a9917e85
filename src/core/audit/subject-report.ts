import type { AuditEntries } from './audit-entries.ts';
import { comesFirst } from './order-entries.ts';
import type { AuditEntry } from './audit-entry.ts';
import type { PersonFilters } from './audit-person.ts';

/** An entry of a report on a person. */
export interface SubjectEntry extends AuditEntry {
  /** Whether the person did it, or it was done to the person or what belongs to the person; or both. */
  readonly relations: readonly ('by' | 'about')[];
}

/**
 * Reads all that was recorded by and about a person, the oldest first, each entry once. It holds a chunk of each kind
 * in memory.
 */
export async function* readSubject(
  entries: AuditEntries,
  { by, about }: PersonFilters,
): AsyncGenerator<SubjectEntry, void, undefined> {
  const sources = [
    { relation: 'by' as const, filter: by },
    ...about.map((filter) => ({ relation: 'about' as const, filter })),
  ].map(({ relation, filter }) => ({
    relation,
    stream: entries.stream(filter, { orderBy: 'recorded_at' }),
    head: undefined as AuditEntry | undefined,
  }));
  const advance = async (source: (typeof sources)[number]): Promise<void> => {
    const { done, value } = await source.stream.next();
    source.head = done === true ? undefined : value;
  };
  for (const source of sources) await advance(source);
  for (;;) {
    const heads = sources.flatMap(({ head }) => head ?? []);
    if (heads.length === 0) return;
    const next = heads.reduce((one, other) => (comesFirst(other, one) ? other : one));
    const having = sources.filter(({ head }) => head?.id === next.id);
    yield { ...next, relations: [...new Set(having.map(({ relation }) => relation))] };
    for (const source of having) await advance(source);
  }
}

/** Writes a report as JSON Lines. */
export async function* writeSubject(
  report: AsyncIterable<SubjectEntry>,
): AsyncGenerator<string, void, undefined> {
  for await (const entry of report) yield `${JSON.stringify(entry)}\n`;
}

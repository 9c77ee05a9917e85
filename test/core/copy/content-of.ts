import type { Kysely } from 'kysely';
import type { DatabaseProvider } from '../../../src/core/index.ts';

export type Content = Record<string, readonly string[]>;

type Tables = Record<string, Record<string, unknown>>;

/**
 * All rows of all tables, in a form that is the same on each engine: read column by column with what the library itself
 * compares by left out.
 *
 * @param provider of a database whose tables a migration set has made
 */
export async function contentOf(provider: DatabaseProvider<never>): Promise<Content> {
  const db = provider.db as unknown as Kysely<Tables>;
  const tables = await db.introspection.getTables();
  const own = tables.filter(
    ({ name, isView }) => !isView && !/^liminal_|_migration(?:_lock)?$|_search_index/.test(name),
  );
  const content: Content = {};
  for (const { name, columns } of own.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const rows = await db.selectFrom(name).selectAll().execute();
    const kept = columns.map((column) => column.name).filter((column) => column !== 'document');
    content[name] = rows.map((row) => kept.map((column) => writeValue(row[column])).join(' | ')).sort();
  }
  return content;
}

function writeValue(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Buffer.isBuffer(value)) return `bytes ${value.toString('hex')}`;
  if (typeof value === 'number') return `number ${value + 0}`;
  return `text ${JSON.stringify(sortMembers(parseOr(`${value as string}`)))}`;
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map(sortMembers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sortMembers(member)]);
}

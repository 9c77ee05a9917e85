/** The whole live schema of a database as plain, canonical JSON. Two of one engine can be compared; it is no DDL. */
import { isBookkeepingTable } from './bookkeeping-tables.ts';

/** What a thing of a schema is. The first group is on both engines, the second where the engine has it. */
export type SchemaItemKind =
  | 'table'
  | 'column'
  | 'primary key'
  | 'unique'
  | 'foreign key'
  | 'check'
  | 'index'
  | 'view'
  | 'trigger'
  | 'virtual table'
  | 'materialized view'
  | 'foreign table'
  | 'exclusion'
  | 'rule'
  | 'policy'
  | 'enum'
  | 'domain'
  | 'composite type'
  | 'range type'
  | 'sequence'
  | 'function'
  | 'procedure'
  | 'aggregate';

/** One thing of a schema: what it is, its name, what is known of it, and what belongs to it. */
export interface SchemaItem {
  /** What it is. */
  readonly kind: SchemaItemKind;
  /** As the database has it; empty for what has no name, such as an unnamed CHECK of SQLite. */
  readonly name: string;
  /** What is known of it, such as `{ type: 'text', null: 'no' }`. What is as by default is left out. */
  readonly facts: Readonly<Record<string, string>>;
  /** The columns, constraints, indexes and triggers of a table, and the like. */
  readonly parts: readonly SchemaItem[];
}

/** A whole schema, in canonical order: in which order things were made does not show. */
export interface SchemaSnapshot {
  /** What lies in no other: tables with their parts, views, types, functions. */
  readonly items: readonly SchemaItem[];
}

/**
 * Brings what an engine has read into canonical order and leaves out what the library keeps for itself. Pure.
 *
 * @param items every table, view, type and function, in any order
 * @returns the snapshot, equal for equal items in whatever order
 */
export function toSchemaSnapshot(items: readonly SchemaItem[]): SchemaSnapshot {
  const tables = new Set(items.filter(({ kind }) => kind === 'table').map(({ name }) => name));
  const own = items.filter(({ kind, name }) => kind !== 'table' || !isBookkeepingTable(name, tables));
  return { items: sortItems(own) };
}

/** By which items of two snapshots are the same thing: what has no name is known by its facts. */
export function identityOf({ kind, name, facts }: SchemaItem): string {
  return JSON.stringify(name === '' ? [kind, '', facts] : [kind, name]);
}

function sortItems(items: readonly SchemaItem[]): readonly SchemaItem[] {
  return items
    .map(({ kind, name, facts, parts }) => ({
      kind,
      name,
      facts: Object.fromEntries(Object.entries(facts).sort(([a], [b]) => compare(a, b))),
      parts: sortItems(parts),
    }))
    .map((item) => ({ item, key: JSON.stringify(item) }))
    .sort((a, b) => compare(a.key, b.key))
    .map(({ item }) => item);
}

/** By code unit: a locale would sort differently by machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

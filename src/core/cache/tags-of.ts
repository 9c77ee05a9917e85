import { allListsTag, groupTag, listTag, rowTag, tableTag } from './tags.ts';
import type { Touch } from '../provider/write-watch.ts';
import type { SqlTouch, TableWrite, ValuePlace } from './touch/touch.ts';
import type { WriteEffects } from './touch/write-effects.ts';

/** What is known of a table whose rows are told apart. */
export interface TaggedTable {
  /** The columns of each key that its rows are asked for by: text, uuid or integer. */
  readonly keys: readonly (readonly string[])[];
  /** Columns that never change in a row, by which lists are told apart: text, uuid or integer. */
  readonly groups: readonly string[];
}

/** The tables whose rows are told apart, by `tableName`. */
export type CachedTables = ReadonlyMap<string, TaggedTable>;

type Row = ReadonlyMap<string, ValuePlace>;

/**
 * Says which tags touches move. Pure.
 *
 * @param touches those of a TouchReader
 * @param tables of one that is not here, everything is moved
 * @param effects what the database changes beside
 * @returns undefined where anything may have changed
 */
export function tagsOf(
  touches: readonly Touch[],
  tables: CachedTables,
  effects: Pick<WriteEffects, 'of' | 'widen'>,
): ReadonlySet<string> | undefined {
  const tags = new Set<string>();
  for (const { shape, parameters } of touches as readonly SqlTouch[]) {
    if (shape.isAnything) return undefined;
    for (const written of shape.writes) {
      const write = effects.widen(written);
      const beside = effects.of(write);
      if (beside === undefined) return undefined;
      for (const table of beside) tags.add(tableTag(table));
      for (const tag of tagsOfWrite(write, parameters, tables.get(write.table))) tags.add(tag);
    }
  }
  return tags;
}

function tagsOfWrite(
  write: TableWrite,
  parameters: readonly unknown[],
  table: TaggedTable | undefined,
): readonly string[] {
  const whole = [tableTag(write.table)];
  if (table === undefined || write.rows === undefined || !keepsKeys(write, table)) return whole;
  const tags: string[] = [];
  for (const row of write.rows) {
    for (const key of table.keys) {
      const values = key.map((column) => valueOf(row, column, parameters));
      const tag = rowTag(write.table, key, values);
      // Who asks by another key than the write names would not hear of it.
      if (tag === undefined) return whole;
      tags.push(tag);
    }
    tags.push(...listTagsOf(write, row, parameters, table));
  }
  return tags;
}

/** Whether the rows that it names by their keys are those that it changes, and keep them. */
function keepsKeys({ conflict, set, verb }: TableWrite, { keys }: TaggedTable): boolean {
  if (verb === 'replace' || verb === 'any') return false;
  return keys.every((key) => {
    if (verb === 'update' && (set === undefined || key.some((column) => isOneOf(set, column)))) return false;
    if (conflict === undefined) return true;
    return conflict.length === key.length && key.every((column) => isOneOf(conflict, column));
  });
}

function listTagsOf(
  { table: name, verb, set, conflict }: TableWrite,
  row: Row,
  parameters: readonly unknown[],
  { groups }: TaggedTable,
): readonly string[] {
  const moved = [listTag(name)];
  for (const column of groups) {
    const isKnown = conflict === undefined && !(verb === 'update' && isOneOf(set ?? [], column));
    const tag = isKnown ? groupTag(name, column, valueOf(row, column, parameters)) : undefined;
    if (tag === undefined) return [allListsTag(name)];
    moved.push(tag);
  }
  return moved;
}

function valueOf(row: Row, column: string, parameters: readonly unknown[]): unknown {
  const place = row.get(column.toLowerCase());
  if (place === undefined) return undefined;
  return 'text' in place ? place.text : parameters[place.parameter];
}

function isOneOf(columns: readonly string[], column: string): boolean {
  return columns.includes(column.toLowerCase());
}

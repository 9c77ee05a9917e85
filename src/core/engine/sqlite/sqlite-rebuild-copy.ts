import type { RawBuilder } from 'kysely';
import type { Issue } from '../../foundation/issue.ts';
import { refuse } from '../check-portable-table.ts';
import type { RebuildTerms } from '../rebuild-terms.ts';
import { findSqliteColumn, isSameName, type SqliteTable } from './sqlite-table-shape.ts';

/** Where the values of one new column come from. */
export interface ColumnCopy {
  readonly target: string;
  /** A column of the old table, or an expression over its columns. */
  readonly source: string | RawBuilder<unknown>;
}

/**
 * Finds a source for every column of the new table, and holds what the old one had against what is told to go.
 *
 * @param name of the table
 * @param old the table as it is
 * @param fresh the table as it is to be
 * @param terms of the rebuild
 * @throws ValidationError where a column has no source, or one would be lost without a word
 */
export function planCopy(
  name: string,
  old: SqliteTable,
  fresh: SqliteTable,
  { from = {}, drop: { columns: dropped = [] } = {} }: RebuildTerms,
): readonly ColumnCopy[] {
  const issues: Issue[] = [];
  const copies: ColumnCopy[] = [];
  for (const column of fresh.columns.filter(({ isGenerated }) => !isGenerated)) {
    const source = Object.hasOwn(from, column.name)
      ? from[column.name]
      : findSqliteColumn(old, column.name)?.name;
    if (source !== undefined) copies.push({ target: column.name, source });
    else if (!column.isOptional) {
      const message =
        'is NOT NULL and has neither a source in the old table nor a default: say one in `from`';
      issues.push({ path: [column.name], message });
    }
    if (typeof source === 'string' && findSqliteColumn(old, source) === undefined) {
      issues.push({
        path: ['from', column.name],
        message: `is "${source}", which is no column of the old table`,
      });
    }
  }
  for (const target of Object.keys(from)) {
    if (copies.some((copy) => copy.target === target)) continue;
    issues.push({ path: ['from', target], message: 'is no column of the new table that can be written' });
  }
  for (const { name: column } of old.columns) {
    const isKept =
      findSqliteColumn(fresh, column) !== undefined ||
      copies.some(({ source }) => typeof source === 'string' && isSameName(source, column));
    const isDropped = dropped.some((other) => isSameName(other, column));
    if (!isKept && !isDropped) {
      const message =
        'is not in the new table, and its values would be lost: name it in `from` or in `drop.columns`';
      issues.push({ path: [column], message });
    }
    if (isKept && isDropped) {
      issues.push({ path: ['drop', 'columns', column], message: 'is a source of the new table' });
    }
  }
  for (const column of dropped) {
    if (findSqliteColumn(old, column) !== undefined) continue;
    issues.push({ path: ['drop', 'columns', column], message: 'is no column of the old table' });
  }
  refuse(`table "${name}"`, issues);
  return [...keepRowids(old, fresh, copies), ...copies];
}

// A full-text table finds the rows of its content table by their rowid.
function keepRowids(
  old: SqliteTable,
  fresh: SqliteTable,
  copies: readonly ColumnCopy[],
): readonly ColumnCopy[] {
  const hasSource = copies.some(({ target }) => target === fresh.rowidColumn);
  if (hasSource || old.rowid === undefined || fresh.rowid === undefined) return [];
  return [{ target: fresh.rowid, source: old.rowid }];
}

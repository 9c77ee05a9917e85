import { sql, type RawBuilder } from 'kysely';
import type { Issue } from '../foundation/issue.ts';
import { sealedColumn, unknownColumn, type Column, type ColumnName, type TableColumns } from './column.ts';

/** A column to sort by, ascending unless it says `desc`: `'email'`, `'created_at desc'`. */
export type OrderTerm<Row> = ColumnName<Row> | `${ColumnName<Row>} ${'asc' | 'desc'}`;

/**
 * What to sort by: one term or several, the first one first. Texts sort by their bytes; NULLs come last in
 * both directions. Columns that hold JSON or bytes cannot be sorted by.
 *
 * A page deep in the list costs what the first one does where an index has these columns and the key. Not so
 * where the first column may be NULL: then an index is read from its start.
 *
 * @example
 * const newestFirst: OrderBy<UsersTable> = ['created_at desc', 'email'];
 */
export type OrderBy<Row> = OrderTerm<Row> | readonly OrderTerm<Row>[];

/** A column and the direction in which it is sorted. */
export interface ResolvedTerm {
  readonly column: Column;
  readonly descending: boolean;
}

/** A total order: it ends in columns that tell every two rows apart. */
export type Order = readonly ResolvedTerm[];

/** What a list of rows may be told apart by. */
export interface RowIdentity {
  /** The columns of the key. */
  readonly key: readonly Column[];
  /** The columns of each unique constraint. */
  readonly unique: readonly (readonly Column[])[];
}

/**
 * Makes a total order of what a caller asked for: the key's columns that it does not name follow as
 * tie-breakers, in the direction of the last term, so that an index on both serves, forwards or backwards.
 * They are left out where the order tells every two rows apart without them: what follows a unique constraint's
 * columns is in no index, and would have to be sorted.
 *
 * @param orderBy what the caller wrote, of type `OrderBy`; undefined sorts by the key
 * @param table whose rows are sorted
 * @param identity by what its rows are told apart
 * @param fixed the columns that have the same value in all of the rows
 * @param issues receives a fault for each term that cannot be sorted by
 */
export function resolveOrder(
  orderBy: unknown,
  table: TableColumns,
  { key, unique }: RowIdentity,
  fixed: ReadonlySet<Column>,
  issues: Issue[],
): Order {
  const terms: ResolvedTerm[] = [];
  const listed = Array.isArray(orderBy);
  const wanted: readonly unknown[] = listed ? orderBy : orderBy === undefined ? [] : [orderBy];
  for (let index = 0; index < wanted.length; index += 1) {
    const path = listed ? ['orderBy', index] : ['orderBy'];
    const term = parseTerm(wanted[index], path, table, issues);
    if (term === undefined) continue;
    if (terms.some(({ column }) => column === term.column)) {
      issues.push({ path, message: `column "${term.column.name}" stands in the order already` });
    } else {
      terms.push(term);
    }
  }
  const isSorted = (column: Column) => terms.some((term) => term.column === column);
  const tellsApart = (columns: readonly Column[]) =>
    columns.every((column) => fixed.has(column) || (!column.nullable && isSorted(column)));
  if (terms.length > 0 && unique.some(tellsApart)) return terms;
  const descending = terms.at(-1)?.descending ?? false;
  for (const column of key) if (!isSorted(column)) terms.push({ column, descending });
  return terms;
}

/** Whether there is at most one row where some columns have one value each. */
export function isOneRow({ unique }: RowIdentity, fixed: ReadonlySet<Column>): boolean {
  return unique.some((columns) => columns.every((column) => fixed.has(column)));
}

function parseTerm(
  term: unknown,
  path: Issue['path'],
  table: TableColumns,
  issues: Issue[],
): ResolvedTerm | undefined {
  if (typeof term !== 'string') {
    issues.push({
      path,
      message: 'must be the name of a column, with " asc" or " desc" behind it where needed',
    });
    return undefined;
  }
  const direction = /^(.*) (asc|desc)$/su.exec(term);
  const column = table.columns.get(term) ?? table.columns.get(direction?.[1] ?? '');
  if (column === undefined) {
    issues.push(unknownColumn(path, table));
  } else if (column.sealed) {
    issues.push(sealedColumn(path, column));
  } else if (column.kind === 'json' || column.kind === 'blob') {
    issues.push({ path, message: `column "${column.name}" holds ${column.kind}, which has no order` });
  } else {
    return { column, descending: term !== column.name && direction?.[2] === 'desc' };
  }
  return undefined;
}

/** Tells an order from every other one of its table. */
export function orderKey(order: Order): string {
  let key = 'by';
  for (const { column, descending } of order) key += `${descending ? '-' : '+'}${column.position}`;
  return key;
}

/**
 * The terms of an ORDER BY.
 *
 * @param backward sorts the other way round, NULLs first
 */
export function orderExpressions(order: Order, backward = false): RawBuilder<unknown>[] {
  return order.map(({ column, descending }) => {
    const direction = descending === backward ? sql`asc` : sql`desc`;
    // Only where there may be NULLs: an index in plain order serves a plain ORDER BY.
    const nulls = column.nullable ? (backward ? sql` nulls first` : sql` nulls last`) : sql``;
    return sql`${sql.ref(column.name)} ${direction}${nulls}`;
  });
}

import type { TransferReference } from './transfer-table.ts';

/** As both engines take a name. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes names and separates them. */
export function quoteNames(names: readonly string[]): string {
  return names.map(quoteName).join(', ');
}

/**
 * The condition of rows that refer to a row that is not there, in SQL that both engines read alike. A row of which one
 * referring column is NULL refers to nothing, as by MATCH SIMPLE.
 *
 * @param table the one that refers
 */
export function orphanCondition(
  table: string,
  { columns, parent, parentColumns }: TransferReference,
): string {
  const child = (column: string) => `${quoteName(table)}.${quoteName(column)}`;
  const pairs = columns.map(
    (column, index) => `parent.${quoteName(parentColumns[index]!)} = ${child(column)}`,
  );
  const present = columns.map((column) => `${child(column)} is not null`);
  return `${present.join(' and ')} and not exists (select 1 from ${quoteName(parent)} as parent where ${pairs.join(' and ')})`;
}

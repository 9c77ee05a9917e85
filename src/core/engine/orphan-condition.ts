import type { TransferReference } from './transfer-table.ts';

/** As both engines take a name. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes names and separates them. */
export function quoteNames(names: readonly string[]): string {
  return names.map(quoteName).join(', ');
}

/** Of the parent. No table of an application is called so: it would be taken for the parent. */
const alias = 'liminal_copy_parent';

/**
 * The condition of rows that refer to a row that is not there, in SQL that both engines read alike. A row of which one
 * referring column is NULL refers to nothing; by MATCH FULL it may be so of all of them alone.
 *
 * @param table the one that refers
 */
export function orphanCondition(
  table: string,
  { columns, parent, parentColumns, isWhole }: TransferReference,
): string {
  const child = (column: string) => `${quoteName(table)}.${quoteName(column)}`;
  const pairs = columns.map(
    (column, index) => `${alias}.${quoteName(parentColumns[index]!)} = ${child(column)}`,
  );
  const present = columns.map((column) => `${child(column)} is not null`);
  const lost = `${present.join(' and ')} and not exists (select 1 from ${quoteName(parent)} as ${alias} where ${pairs.join(' and ')})`;
  return isWhole ? `((${lost}) or (${present.join(' or ')}) and not (${present.join(' and ')}))` : lost;
}

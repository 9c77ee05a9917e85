import type { TransferColumn, TransferTable } from '../engine/transfer-table.ts';
import { CopyRefusedError } from '../foundation/errors/copy-errors.ts';

/** A column on both sides. */
export interface CopiedColumn {
  readonly name: string;
  readonly from: TransferColumn;
  readonly to: TransferColumn;
}

/** A table on both sides. */
export interface CopiedTable {
  readonly name: string;
  readonly from: TransferTable;
  readonly to: TransferTable;
  readonly columns: readonly CopiedColumn[];
}

/**
 * Finds each table and each column of one side on the other one. Pure.
 *
 * @returns them in an order in which what is referred to comes first, where there is one
 * @throws CopyRefusedError that names all that one side alone has
 */
export function pairTables(
  from: readonly TransferTable[],
  to: readonly TransferTable[],
): readonly CopiedTable[] {
  const reasons: string[] = [];
  const pair = <Part extends { readonly name: string }>(
    one: readonly Part[],
    other: readonly Part[],
    what: string,
  ) => {
    const found = new Map(other.map((part) => [part.name, part]));
    for (const { name } of one) if (!found.has(name)) reasons.push(`The target has no ${what} "${name}".`);
    const names = new Set(one.map(({ name }) => name));
    for (const { name } of other) if (!names.has(name)) reasons.push(`The source has no ${what} "${name}".`);
    return one.flatMap((part) => {
      const partner = found.get(part.name);
      return partner === undefined ? [] : [{ name: part.name, from: part, to: partner }];
    });
  };
  const tables = pair(from, to, 'table').map((table) => ({
    ...table,
    columns: pair(table.from.columns, table.to.columns, `column of table "${table.name}" that is called`),
  }));
  if (reasons.length > 0) throw new CopyRefusedError(reasons);
  return orderTables(tables);
}

/** Depth first along the references; a circle is entered anywhere. */
function orderTables(tables: readonly CopiedTable[]): readonly CopiedTable[] {
  const byName = new Map(tables.map((table) => [table.name, table]));
  const ordered = new Set<CopiedTable>();
  const entered = new Set<CopiedTable>();
  const visit = (table: CopiedTable | undefined): void => {
    if (table === undefined || entered.has(table)) return;
    entered.add(table);
    for (const { parent } of table.to.references) visit(byName.get(parent));
    ordered.add(table);
  };
  for (const table of tables) visit(table);
  return [...ordered];
}

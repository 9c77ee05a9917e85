import { transactionOf } from '../provider/transaction-hooks.ts';
import type { StoredRow } from '../repository/stored-row.ts';
import type { TableDefinition } from '../repository/table-definition.ts';

// Of more, nobody holds the entities to change them one by one.
const maxRows = 1_000;

/**
 * The rows that running transactions have read and may change. What is kept need not be so any more: who uses it finds
 * that out.
 */
export class LoadedRows {
  readonly #byTransaction = new WeakMap<object, WeakMap<TableDefinition, Map<string, StoredRow>>>();

  keep(handle: object, definition: TableDefinition, row: StoredRow): void {
    const transaction = transactionOf(handle);
    let tables = this.#byTransaction.get(transaction);
    if (tables === undefined) this.#byTransaction.set(transaction, (tables = new WeakMap()));
    let rows = tables.get(definition);
    if (rows === undefined) tables.set(definition, (rows = new Map()));
    const key = keyText(definition.key.map(({ name }) => row[name]));
    // What was read last is dropped last.
    rows.delete(key);
    rows.set(key, row);
    if (rows.size > maxRows) rows.delete(rows.keys().next().value as string);
  }

  find(handle: object, definition: TableDefinition, key: readonly unknown[]): StoredRow | undefined {
    return this.#byTransaction.get(transactionOf(handle))?.get(definition)?.get(keyText(key));
  }
}

function keyText(key: readonly unknown[]): string {
  return key.length === 1 ? String(key[0]) : JSON.stringify(key);
}

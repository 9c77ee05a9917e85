import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import type { ColumnEncryption, TableEncryption } from '../../foundation/table-encryption.ts';

/** What is encrypted in a table. */
export interface EncryptionOptions<Columns extends Readonly<Record<string, ColumnEncryption>>> {
  /** The table's name. It is part of what values are bound to: a renamed table keeps its old name here. */
  readonly table: string;
  /** The column of the primary key, or the columns of a composite one. */
  readonly key: string | readonly string[];
  /**
   * The columns that name the row of a value, the key by default. They must be known before a row is inserted and
   * never change. A table that is upserted names the columns of the conflict: the row that is there keeps its key.
   */
  readonly row?: string | readonly string[];
  /** The column of the tenant, where there are tenants: values are bound to it as well. */
  readonly tenant?: string;
  /** The encrypted columns by name; `encrypted` makes their values. */
  readonly columns: Columns;
}

/**
 * Says once which columns of a table are encrypted: for the mapper, for the rotation of keys and for the command
 * line. It holds no key and opens nothing.
 *
 * @param options the table, its key, what names a row, and the columns
 * @returns the definition, frozen
 * @throws ValidationError with every fault
 * @example
 * const usersEncryption = defineEncryption({
 *   table: 'users',
 *   key: 'id',
 *   columns: { email: encrypted({ index: 'email_index' }) },
 * });
 */
export function defineEncryption<const Columns extends Readonly<Record<string, ColumnEncryption>>>(
  options: EncryptionOptions<Columns>,
): TableEncryption<Columns> {
  const { table, tenant, columns } = options;
  const key = listOf(options.key);
  const row = options.row === undefined ? key : listOf(options.row);
  const issues: Issue[] = [];
  const requireName = (name: unknown, path: Issue['path']) => {
    if (typeof name !== 'string' || name === '') issues.push({ path, message: 'must be a name' });
  };
  requireName(table, ['table']);
  checkNames('key', key, issues);
  checkNames('row', row, issues);
  if (tenant !== undefined) requireName(tenant, ['tenant']);
  const names = Object.keys(columns);
  if (names.length === 0) issues.push({ path: ['columns'], message: 'must name a column' });
  const indexes = Object.values(columns).flatMap(({ index }) => (index === undefined ? [] : [index]));
  for (const index of indexes) requireName(index, ['columns', 'index']);
  const all = [...names, ...indexes];
  if (new Set(all).size < all.length) {
    issues.push({ path: ['columns'], message: 'must give each index a column of its own' });
  }
  for (const name of all) {
    if (key.includes(name) || row.includes(name) || name === tenant) {
      issues.push({ path: ['columns', name], message: 'names the row, so that it cannot be encrypted' });
    }
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return Object.freeze({
    table,
    key: Object.freeze(key),
    row: Object.freeze(row),
    ...(tenant === undefined ? {} : { tenant }),
    columns: Object.freeze({ ...columns }),
  });
}

function checkNames(path: string, names: readonly string[], issues: Issue[]): void {
  const sound = names.every((name) => typeof name === 'string' && name !== '');
  if (names.length === 0 || !sound || new Set(names).size < names.length) {
    issues.push({ path: [path], message: 'must name columns, each once' });
  }
}

function listOf(names: string | readonly string[]): string[] {
  return typeof names === 'string' ? [names] : [...names];
}

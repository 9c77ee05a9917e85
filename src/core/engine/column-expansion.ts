/** Two columns that hold the same fact while programs of both versions run: the old one and the new one. */
import { sql, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { columnKinds, type ColumnKinds, type PortableColumn } from './portable-column.ts';

/**
 * Makes the SQL expression of one column's value out of the other's.
 *
 * @param column stands for the other column; it may be used more than once
 * @returns an expression without parameters (`sql.lit` for values), which always gives the same for the same
 */
export type ColumnConversion = (column: RawBuilder<unknown>) => RawBuilder<unknown>;

/** Which column becomes which. */
export interface ExpandedColumn {
  /** The table, which has a primary key. */
  readonly table: string;
  /** The old column. It must not be part of the primary key. */
  readonly from: string;
  /** The new column. */
  readonly to: string;
}

/** Which column becomes which, and how the value of the one is made out of the other's. */
export interface ColumnExpansion extends ExpandedColumn {
  /** The new value out of the old one; the same value by default, as a rename needs it. */
  readonly forward?: ColumnConversion;
  /** The old value out of the new one; the same value by default. */
  readonly backward?: ColumnConversion;
}

/** What `expandColumn` is given. */
export interface NewColumnExpansion extends ColumnExpansion {
  /**
   * What the new column holds: `(c) => c.text()`. It is added as nullable whatever this says, and has no default:
   * a row that says nothing of it was written by a program that does not know it.
   */
  readonly column: (c: ColumnKinds) => PortableColumn;
}

/** What `contractColumn` is given: the same as `expandColumn`, without the type. */
export interface ColumnContraction extends ColumnExpansion {
  /** Whether the new column becomes NOT NULL. False by default. */
  readonly notNull?: boolean;
}

/** The same value: a rename. */
export const sameValue: ColumnConversion = (column) => column;

/**
 * Checks names and expressions before anything is changed.
 *
 * @throws ValidationError with every fault
 */
export function checkExpansion(db: Kysely<any>, expansion: ColumnExpansion): void {
  const { table, from, to, forward = sameValue, backward = sameValue } = expansion;
  const issues: Issue[] = [];
  for (const [name, value] of Object.entries({ table, from, to })) {
    if (typeof value !== 'string' || value === '' || value.includes('\0') || value.includes('$liminal$'))
      issues.push({ path: [name], message: 'must be the name of a table or column' });
  }
  if (from === to) issues.push({ path: ['to'], message: 'must be another column than `from`' });
  for (const [name, conversion] of Object.entries({ forward, backward })) {
    if (sql`select ${conversion(sql.ref('a'))}`.compile(db).parameters.length > 0)
      issues.push({ path: [name], message: 'must have no parameters: write its values with sql.lit' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
}

/**
 * Holds an expansion against the table.
 *
 * @throws ValidationError where there is no such table, `from` is not there or part of the primary key, or
 *   `to` is there already
 */
export function checkExpandable(
  columns: readonly { readonly name: string; readonly isKey: boolean }[],
  { table, from, to }: ExpandedColumn,
): void {
  if (columns.length === 0)
    throw new ValidationError([{ path: ['table'], message: `there is no table "${table}"` }]);
  const old = columns.find(({ name }) => name === from);
  const issues: Issue[] = [];
  if (old === undefined) issues.push({ path: ['from'], message: `table "${table}" has no column "${from}"` });
  else if (old.isKey)
    issues.push({ path: ['from'], message: 'must not be part of the primary key: make a new table instead' });
  if (columns.some(({ name }) => name === to))
    issues.push({ path: ['to'], message: `table "${table}" has a column "${to}" already` });
  if (issues.length > 0) throw new ValidationError(issues);
}

/** Adds a column; see `ColumnHelpers.addColumn`. */
export type AddColumn = (
  db: Kysely<any>,
  table: string,
  column: string,
  define: (c: ColumnKinds) => PortableColumn,
) => Promise<void>;

/**
 * The new column as it is while both are there.
 *
 * @throws ValidationError where it has a default or is a primary key
 */
export function defineNewColumn({ column }: NewColumnExpansion): PortableColumn {
  const definition = column(columnKinds);
  if (definition.default !== undefined || definition.primaryKey) {
    throw new ValidationError([
      {
        path: ['column'],
        message: 'must have no default and be no primary key while the old column is there',
      },
    ]);
  }
  return { ...definition, nullable: true };
}

/**
 * The name of what keeps the two columns in step. Triggers of a table run by name on Postgres; this one begins so
 * that it runs behind the application's own and sees what they made of the row.
 */
export function expansionName({ table, from, to }: ExpandedColumn, part = ''): string {
  const hash = loadCrypto()
    .createHash('sha256')
    .update(JSON.stringify([table, from, to]))
    .digest('hex')
    .slice(0, 12);
  return `${prefix}${hash}${part === '' ? '' : `_${part}`}`;
}

const prefix = 'zz_liminal_expand_';

/** Whether a name, which may have others in front, is of what keeps two columns in step: no application uses it. */
export function isOfExpansion(name: string): boolean {
  return name.slice(name.lastIndexOf('.') + 1).startsWith(prefix);
}

/** Runs work in the transaction of the handle, or in one of its own where the migration has none. */
export function inTransaction(
  db: Kysely<any>,
  work: (trx: Transaction<any>) => Promise<void>,
): Promise<void> {
  return db.isTransaction ? work(db as Transaction<any>) : db.transaction().execute(work);
}

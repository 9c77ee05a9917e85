import type { Selectable } from 'kysely';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import {
  parseColumns,
  type Column,
  type ColumnDeclarations,
  type ColumnName,
  type TableColumns,
} from '../query/column.ts';
import { combinatorNames } from '../query/filter-shape.ts';
import type { RowIdentity } from '../query/order.ts';
import { checkSealed, type SealedNames } from './check-sealed.ts';
import type { RowMapper } from './row-mapper.ts';

/** What a repository is told of its table. */
export interface RepositoryOptions<
  DB,
  Table extends keyof DB & string,
  Entity,
  JsonShapes = unknown,
  Key extends ColumnName<DB[Table]> = ColumnName<DB[Table]>,
> {
  /** The table's name. */
  readonly table: Table;
  /** The column of the primary key, or the columns of a composite one. */
  readonly key: Key | readonly Key[];
  /** The column of the optimistic lock, an integer. Without one updates and deletes go by the key alone. */
  readonly version?: NumberColumnName<DB[Table]>;
  /**
   * Columns that `insert` writes and nothing later overwrites from an entity: when the row was made, and
   * counters that statements of their own move.
   */
  readonly insertOnly?: readonly ColumnName<DB[Table]>[];
  /**
   * Numeric columns that an update or upsert only ever moves up, such as the time of the last change: a
   * smaller value leaves what is stored, since it was read before somebody else moved the column on.
   */
  readonly growing?: readonly GrowingColumnName<DB[Table]>[];
  /**
   * The columns of each unique constraint beside the key. Where the columns that a list is sorted by, and
   * those that its filter fixes by `eq`, hold all of one, no tie-breakers follow, so that its index serves.
   */
  readonly unique?: readonly (readonly ColumnName<DB[Table]>[])[];
  /** The kind of each column. */
  readonly columns: ColumnDeclarations<DB[Table], JsonShapes>;
  /** Turns rows into entities and back. */
  readonly mapper: RowMapper<DB[Table], Entity>;
}

type NumberColumnName<Row> = {
  [Name in ColumnName<Row>]: Selectable<Row>[Name] extends number ? Name : never;
}[ColumnName<Row>];

type GrowingColumnName<Row> = {
  [Name in ColumnName<Row>]: NonNullable<Selectable<Row>[Name]> extends number ? Name : never;
}[ColumnName<Row>];

/** A table as a repository knows it, checked once. */
export interface TableDefinition extends TableColumns, RowIdentity {
  /** The names of all columns. */
  readonly names: readonly string[];
  /** The names of those that cannot be NULL. */
  readonly required: readonly string[];
  readonly key: readonly Column[];
  readonly version: Column | undefined;
  /** The columns that an update writes: all but the key, the version and those that are only inserted. */
  readonly updatable: ReadonlySet<string>;
  /** Those of them that only ever move up. */
  readonly growing: ReadonlySet<string>;
  /** The columns whose values its ciphertexts belong to, which no update writes; none where nothing is encrypted. */
  readonly boundTo: readonly string[];
  /** The columns of the blind indexes of those that are encrypted, by the encrypted column. */
  readonly blindIndexes: ReadonlyMap<string, string>;
  /** The columns of kind `uuid`. */
  readonly uuids: ReadonlySet<string>;
}

const nothingSealed: SealedNames = { columns: [], boundTo: [] };

/** The options, without their types. */
export interface TableOptions {
  readonly table: string;
  readonly key: string | readonly string[];
  readonly version?: string;
  readonly insertOnly?: readonly string[];
  readonly growing?: readonly string[];
  readonly unique?: readonly (readonly string[])[];
  readonly columns: Readonly<Record<string, string>>;
  readonly mapper: { readonly fromRow: unknown; readonly toRow?: unknown; readonly sealed?: SealedNames };
}

/**
 * Checks what a repository is told of its table.
 *
 * @throws ValidationError with every fault: a kind that is none, a key or version that is no fitting column
 */
export function defineTable(options: TableOptions): TableDefinition {
  const issues: Issue[] = [];
  requireOptions(options);
  const { table, insertOnly = [], growing = [] } = options;
  const sealed = options.mapper.sealed ?? nothingSealed;
  const columns = parseColumns(options.columns, issues, new Set(sealed.columns));
  const find = (name: string, path: Issue['path']): Column[] => {
    const column = columns.get(name);
    if (column !== undefined) return [column];
    issues.push({ path, message: `is no declared column of table "${table}"` });
    return [];
  };
  for (const name of columns.keys()) {
    if (combinatorNames.has(name))
      issues.push({ path: ['columns', name], message: 'is a word of the filter language' });
  }
  const keyNames = typeof options.key === 'string' ? [options.key] : options.key;
  const key = [...new Set(keyNames)].flatMap((name) => find(name, ['key']));
  if (keyNames.length === 0) issues.push({ path: ['key'], message: 'must name a column' });
  for (const { name, kind, nullable } of key) {
    if (nullable || kind === 'json' || kind === 'blob') {
      issues.push({ path: ['key'], message: `column "${name}" may be NULL or has no order` });
    }
  }
  const version = options.version === undefined ? undefined : find(options.version, ['version'])[0];
  if (version !== undefined && (version.kind !== 'integer' || version.nullable || key.includes(version))) {
    issues.push({ path: ['version'], message: 'must be a column of kind "integer" outside of the key' });
  }
  const kept = new Set([
    ...keyNames,
    version?.name,
    ...insertOnly.flatMap((name) => find(name, ['insertOnly'])).map(({ name }) => name),
  ]);
  for (const { name, kind } of growing.flatMap((candidate) => find(candidate, ['growing']))) {
    if ((kind !== 'integer' && kind !== 'real') || kept.has(name)) {
      issues.push({ path: ['growing'], message: `column "${name}" is no number that updates write` });
    }
  }
  const unique = (options.unique ?? []).map((names) => names.flatMap((name) => find(name, ['unique'])));
  for (const constraint of unique) {
    if (constraint.length === 0) issues.push({ path: ['unique'], message: 'must name columns' });
  }
  checkSealed(
    sealed,
    {
      columns,
      fixed: new Set([...keyNames, ...insertOnly]),
      insertOnly: new Set(insertOnly),
      moving: new Set([...growing, version?.name]),
      unique,
    },
    issues,
  );
  if (issues.length > 0) throw new ValidationError(issues);
  const names = [...columns.keys()];
  const updatable = new Set(names.filter((name) => !kept.has(name)));
  const required = names.filter((name) => columns.get(name)?.nullable === false);
  return {
    table,
    columns,
    names,
    required,
    key,
    version,
    unique,
    updatable,
    growing: new Set(growing),
    boundTo: sealed.boundTo,
    blindIndexes: new Map(Object.entries(sealed.indexes ?? {})),
    uuids: new Set(names.filter((name) => columns.get(name)?.kind === 'uuid')),
  };
}

// The types say it all; this is for whoever writes JavaScript.
function requireOptions(options: unknown): void {
  const issues: Issue[] = [];
  const { table, key, columns, mapper } = (options ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof table !== 'string') issues.push({ path: ['table'], message: 'must be the name of a table' });
  if (typeof key !== 'string' && !Array.isArray(key)) {
    issues.push({ path: ['key'], message: 'must be a column or a list of columns' });
  }
  if (typeof columns !== 'object' || columns === null) {
    issues.push({ path: ['columns'], message: 'must be an object of kinds by column name' });
  }
  if (typeof (mapper as Partial<RowMapper<object, unknown>> | undefined)?.fromRow !== 'function') {
    issues.push({ path: ['mapper'], message: 'must have the functions fromRow and toRow' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
}

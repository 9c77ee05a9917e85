/** Columns of a table as data: what a migration says once, and each engine puts into its own words. */

/** What a column holds. */
export type PortableType =
  | { readonly kind: 'uuid' | 'text' | 'integer' | 'real' | 'blob' | 'epochMillis' | 'json' }
  | { readonly kind: 'enumText'; readonly values: readonly string[] }
  | { readonly kind: 'counter'; readonly min: 0 | 1 };

/** What happens to a row when the row that it refers to is deleted. */
export type DeleteAction = 'cascade' | 'restrict' | 'set null' | 'no action';

/** Which column of which table a column refers to. */
export interface PortableReference {
  /** The table. */
  readonly table: string;
  /** The column, which is a key there. */
  readonly column: string;
  /** What happens when the row referred to is deleted; undefined refuses the deletion. */
  readonly onDelete: DeleteAction | undefined;
  /** Whether the column gets an index of its own where no other one begins with it. */
  readonly index: boolean;
}

/** One column: its type, whether it may be NULL, and what it refers to. Made by `ColumnKinds`. */
export interface PortableColumn {
  /** What it holds. */
  readonly type: PortableType;
  /** Whether it may be NULL. */
  readonly nullable: boolean;
  /** Whether it is the primary key by itself. */
  readonly primaryKey: boolean;
  /** The value of rows that state none; undefined where they must. */
  readonly default: string | number | undefined;
  /** What it refers to; undefined where it refers to nothing. */
  readonly references: PortableReference | undefined;
}

/** The columns of a table by their names, in their order. */
export type PortableColumns = Readonly<Record<string, PortableColumn>>;

/** How a column refers to another table. */
export interface ReferenceOptions {
  /** What happens when the row referred to is deleted. By default the deletion is refused. */
  readonly onDelete?: DeleteAction;
  /** The column referred to, which must be a key. `id` by default. */
  readonly column?: string;
  /** What the column holds, as the one referred to does. A UUID by default. */
  readonly type?: PortableColumn;
  /** `false` makes no index for it. One that begins with the column already always suffices. */
  readonly index?: boolean;
}

/** The kinds of columns, as a migration is given them. Each is NOT NULL unless `nullable` says otherwise. */
export interface ColumnKinds {
  /** A UUID in lower case that is the primary key. */
  id(): PortableColumn;
  /** A UUID in lower case. */
  uuid(): PortableColumn;
  /** Text, compared by its bytes. */
  text(): PortableColumn;
  /** Text out of a closed set of at least one value, held by a CHECK. */
  enumText(values: readonly string[]): PortableColumn;
  /** A whole number up to 2^53 − 1. */
  integer(): PortableColumn;
  /** A double, as JavaScript's numbers are. */
  real(): PortableColumn;
  /** Bytes. */
  blob(): PortableColumn;
  /** A whole number from `min` to 2,147,483,647, held by a CHECK. */
  counter(min: 0 | 1): PortableColumn;
  /** The version of a row, from 1: what an update states that it has read. */
  version(): PortableColumn;
  /** A time in ms since the Unix epoch. */
  epochMillis(): PortableColumn;
  /** Any JSON value; rows carry it as text. */
  json(): PortableColumn;
  /** A column that refers to a row of another table, or of its own. It gets an index. */
  references(table: string, options?: ReferenceOptions): PortableColumn;
  /** The same column, but NULL is allowed: its absence means something. */
  nullable(column: PortableColumn): PortableColumn;
  /** The same column with a value for rows that state none: a string or a finite number, never an expression. */
  withDefault(column: PortableColumn, value: string | number): PortableColumn;
}

/** The kinds of columns: pure, so that they are the same on every engine. */
export const columnKinds: ColumnKinds = {
  id: () => ({ ...columnOf({ kind: 'uuid' }), primaryKey: true }),
  uuid: () => columnOf({ kind: 'uuid' }),
  text: () => columnOf({ kind: 'text' }),
  enumText: (values) => columnOf({ kind: 'enumText', values: [...values] }),
  integer: () => columnOf({ kind: 'integer' }),
  real: () => columnOf({ kind: 'real' }),
  blob: () => columnOf({ kind: 'blob' }),
  counter: (min) => columnOf({ kind: 'counter', min }),
  version: () => columnOf({ kind: 'counter', min: 1 }),
  epochMillis: () => columnOf({ kind: 'epochMillis' }),
  json: () => columnOf({ kind: 'json' }),
  references: (table, { onDelete, column = 'id', type, index = true } = {}) => ({
    ...columnOf(type?.type ?? { kind: 'uuid' }),
    references: { table, column, onDelete, index },
  }),
  nullable: (column) => ({ ...column, nullable: true }),
  withDefault: (column, value) => ({ ...column, default: value }),
};

function columnOf(type: PortableType): PortableColumn {
  return { type, nullable: false, primaryKey: false, default: undefined, references: undefined };
}

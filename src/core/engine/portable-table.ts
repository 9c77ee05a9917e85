import type { RawBuilder, SqlBool } from 'kysely';
import type { ColumnKinds, DeleteAction, PortableColumns } from './portable-column.ts';
import type { JsonPathSegment } from './sql-vocabulary.ts';

/** The columns of a primary key or of a UNIQUE constraint, and its name where the usual one does not fit. */
export type PortableKey =
  readonly string[] | { readonly columns: readonly string[]; readonly name?: string | undefined };

/** A value inside of a JSON column, as filters with a `path` look for it. */
export interface JsonTerm {
  /** The JSON column. */
  readonly column: string;
  /** Names of members and indexes from 0. */
  readonly path: readonly JsonPathSegment[];
  /** Which values are found by it: those of this type. */
  readonly as: 'string' | 'number' | 'boolean';
}

/** What an index is sorted by: a column, or a value inside of a JSON column. */
export type IndexTerm = string | JsonTerm;

/** What an index may say of itself. */
export interface PortableIndexOptions {
  /** What it is sorted by, in this order. */
  readonly columns: readonly IndexTerm[];
  /** `<table>_<columns>_index` by default. */
  readonly name?: string | undefined;
  /** Whether no two rows may have the same values. False by default. */
  readonly unique?: boolean | undefined;
  /** Which rows it holds; all by default. It may have no parameters: write values with `sql.lit`. */
  readonly where?: RawBuilder<SqlBool> | undefined;
}

/** An index: what it is sorted by, and what else there is to say. */
export type PortableIndex = readonly IndexTerm[] | PortableIndexOptions;

/** A foreign key of several columns; one of a single column is said by the column itself. */
export interface PortableForeignKey {
  /** The columns that refer. */
  readonly columns: readonly string[];
  /** What they refer to, in the same order: a key there. */
  readonly references: { readonly table: string; readonly columns: readonly string[] };
  /** What happens when the row referred to is deleted. By default the deletion is refused. */
  readonly onDelete?: DeleteAction;
  /** `<table>_<columns>_fkey` by default. */
  readonly name?: string;
}

/** What holds for a table beyond its columns. */
export interface PortableTableTerms {
  /** The primary key, where it is not one `id()`. Named `<table>_pkey` by default. */
  readonly primaryKey?: PortableKey;
  /** Each is named `<table>_<columns>_unique` by default. */
  readonly unique?: readonly PortableKey[];
  /** CHECKs, each by what goes into its name `<table>_<key>_check`. They may have no parameters. */
  readonly checks?: Readonly<Record<string, RawBuilder<SqlBool>>>;
  /** Foreign keys of several columns. */
  readonly foreignKeys?: readonly PortableForeignKey[];
  /** Indexes beside those of keys and of columns that refer to a table. */
  readonly indexes?: readonly PortableIndex[];
}

/** Names the columns of a table. */
export type DefineColumns = (c: ColumnKinds) => PortableColumns;

/** An index under its final name. */
export interface NamedIndex {
  readonly name: string;
  readonly terms: readonly IndexTerm[];
  readonly unique: boolean;
  readonly where: RawBuilder<SqlBool> | undefined;
}

/** A constraint over some columns under its final name. */
export interface NamedKey {
  readonly name: string;
  readonly columns: readonly string[];
}

/** A table whose every constraint and index has its name. */
export interface PortableTable {
  readonly name: string;
  readonly columns: PortableColumns;
  readonly primaryKey: NamedKey | undefined;
  readonly unique: readonly NamedKey[];
  readonly checks: readonly { readonly name: string; readonly rule: RawBuilder<SqlBool> }[];
  readonly foreignKeys: readonly (PortableForeignKey & NamedKey)[];
  readonly indexes: readonly NamedIndex[];
}

/**
 * Gives every constraint and index of a table its name, and every foreign key its index, unless the primary
 * key, a UNIQUE constraint or an index of all rows begins with its columns already. It checks nothing.
 *
 * @param name of the table
 * @param columns of the table
 * @param terms what holds beyond them
 */
export function nameParts(name: string, columns: PortableColumns, terms: PortableTableTerms): PortableTable {
  const primaryKey = terms.primaryKey && nameKey(terms.primaryKey, () => `${name}_pkey`);
  const unique = (terms.unique ?? []).map((key) =>
    nameKey(key, (list) => `${name}_${list.join('_')}_unique`),
  );
  const foreignKeys = (terms.foreignKeys ?? []).map((key) => ({
    ...key,
    ...nameKey(key, (list) => `${name}_${list.join('_')}_fkey`),
  }));
  const declared = (terms.indexes ?? []).map((index) => nameIndex(name, index));
  return {
    name,
    columns,
    primaryKey,
    unique,
    checks: Object.entries(terms.checks ?? {}).map(([key, rule]) => ({ name: `${name}_${key}_check`, rule })),
    foreignKeys,
    indexes: [
      ...missingIndexes(
        name,
        [...foreignKeys.map((key) => key.columns), ...referringColumns(columns)],
        [
          ...(primaryKey === undefined ? primaryColumns(columns) : [primaryKey.columns]),
          ...unique.map((key) => key.columns),
          ...declared.filter((index) => index.where === undefined).map((index) => index.terms),
        ],
      ),
      ...declared,
    ],
  };
}

/**
 * Gives an index its name.
 *
 * @param table whose index it is
 */
export function nameIndex(table: string, index: PortableIndex): NamedIndex {
  const options: PortableIndexOptions = 'columns' in index ? index : { columns: index };
  const words = options.columns.map((term) =>
    typeof term === 'string' ? term : [term.column, ...term.path].join('_'),
  );
  return {
    name: options.name ?? `${table}_${words.join('_')}_index`,
    terms: options.columns,
    unique: options.unique ?? false,
    where: options.where,
  };
}

function nameKey(key: PortableKey, makeName: (columns: readonly string[]) => string): NamedKey {
  const { columns, name }: { columns: readonly string[]; name?: string | undefined } =
    'columns' in key ? key : { columns: key };
  return { columns, name: name ?? makeName(columns) };
}

function primaryColumns(columns: PortableColumns): readonly string[][] {
  return Object.entries(columns)
    .filter(([, column]) => column.primaryKey)
    .map(([name]) => [name]);
}

function referringColumns(columns: PortableColumns): readonly string[][] {
  return Object.entries(columns)
    .filter(([, { references }]) => references?.index === true)
    .map(([name]) => [name]);
}

function missingIndexes(
  table: string,
  wanted: readonly (readonly string[])[],
  present: readonly (readonly IndexTerm[])[],
): NamedIndex[] {
  const indexes: NamedIndex[] = [];
  for (const columns of wanted) {
    const known = [...present, ...indexes.map(({ terms }) => terms)];
    const isServed = known.some((terms) => columns.every((column, place) => terms[place] === column));
    if (!isServed) indexes.push(nameIndex(table, columns));
  }
  return indexes;
}

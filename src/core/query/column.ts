import type { Selectable } from 'kysely';
import type { ColumnKind } from '../engine/sql-vocabulary.ts';
import type { Issue } from '../foundation/issue.ts';

/** A column's kind, with `?` behind it where the column may be NULL: `'text'`, `'integer?'`. */
export type ColumnDeclaration = ColumnKind | `${ColumnKind}?`;

/**
 * The declarations of a table's columns, held against its interface: every column must be there, its kind
 * must fit its type, and exactly the nullable ones end in `?`. Times, flags and the like have no kind of
 * their own: rows hold strings, numbers and bytes.
 *
 * @typeParam Row the table's interface
 * @typeParam JsonShapes the shapes of JSON columns by name
 * @example
 * const columns: ColumnDeclarations<UsersTable> = { id: 'uuid', email: 'text', display_name: 'text?' };
 */
export type ColumnDeclarations<Row, JsonShapes = unknown> = {
  readonly [Name in ColumnName<Row>]: null extends Selectable<Row>[Name]
    ? `${KindOf<Row, Name, JsonShapes>}?`
    : KindOf<Row, Name, JsonShapes>;
};

type KindOf<Row, Name extends ColumnName<Row>, JsonShapes> = Name extends keyof JsonShapes
  ? 'json'
  : KindFor<NonNullable<Selectable<Row>[Name]>>;

type KindFor<Value> = [Value] extends [string]
  ? 'uuid' | 'text' | 'json'
  : [Value] extends [number]
    ? 'integer' | 'real'
    : [Value] extends [Uint8Array]
      ? 'blob'
      : never;

/** The names of a table's columns. */
export type ColumnName<Row> = keyof Selectable<Row> & string;

/** A column, as far as queries need to know. */
export interface Column {
  readonly name: string;
  /** Its place among the columns of its table, from 0. */
  readonly position: number;
  readonly kind: ColumnKind;
  readonly nullable: boolean;
  /** Whether it holds ciphertexts, which nothing can be compared with. */
  readonly sealed: boolean;
}

/** A table, as far as queries need to know: its name and its columns, by name. */
export interface TableColumns {
  readonly table: string;
  readonly columns: ReadonlyMap<string, Column>;
}

const kinds: ReadonlySet<string> = new Set<ColumnKind>(['uuid', 'text', 'integer', 'real', 'json', 'blob']);

/**
 * Reads the declarations of columns.
 *
 * @param declarations by column name
 * @param issues receives a fault for each declaration that is none
 * @param sealedNames the columns that hold ciphertexts
 */
export function parseColumns(
  declarations: Readonly<Record<string, string>>,
  issues: Issue[],
  sealedNames: ReadonlySet<string> = new Set(),
): ReadonlyMap<string, Column> {
  const columns = new Map<string, Column>();
  for (const [name, declaration] of Object.entries(declarations)) {
    const nullable = declaration.endsWith('?');
    const kind = nullable ? declaration.slice(0, -1) : declaration;
    if (kinds.has(kind)) {
      const [position, sealed] = [columns.size, sealedNames.has(name)];
      columns.set(name, Object.freeze({ name, position, kind: kind as ColumnKind, nullable, sealed }));
    } else {
      issues.push({
        path: ['columns', name],
        message: `must be one of ${[...kinds].join(', ')}, with "?" behind it for NULL`,
      });
    }
  }
  return columns;
}

/** The fault of a name that is no column of a table. */
export function unknownColumn(path: Issue['path'], { table, columns }: TableColumns): Issue {
  return { path, message: `is no column of table "${table}"; it has ${[...columns.keys()].join(', ')}` };
}

/** The fault of a column that holds ciphertexts where its value would be needed. */
export function sealedColumn(path: Issue['path'], { name }: Column): Issue {
  return {
    path,
    message: `column "${name}" is encrypted: it can be neither compared, sorted nor selected; ask by its blind index`,
  };
}

/** Holds what a migration says of a table against the rules that every engine has. It asks no database. */
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { PortableColumn, PortableColumns } from './portable-column.ts';
import type { IndexTerm, NamedIndex, PortableTable } from './portable-table.ts';

// Postgres cuts longer names, so that two of them may become one.
const maxNameBytes = 63;
const deleteActions = ['cascade', 'restrict', 'set null', 'no action'];

/**
 * Checks a table.
 *
 * @throws ValidationError that lists every fault
 */
export function checkTable(table: PortableTable): void {
  const issues: Issue[] = [...nameIssues([], table.name)];
  const { columns, primaryKey, unique, checks, foreignKeys, indexes } = table;
  const entries = Object.entries(columns);
  if (entries.length === 0) issues.push({ path: [], message: 'has no columns' });
  for (const [name, column] of entries) issues.push(...columnIssues(table.name, name, column));
  issues.push(
    ...repeated(
      entries.map(([name]) => name),
      'column',
    ),
  );

  const ids = entries.filter(([, column]) => column.primaryKey).map(([name]) => name);
  const keyCount = ids.length + (primaryKey === undefined ? 0 : 1);
  if (keyCount !== 1) {
    const message = `must be one: an id() or \`primaryKey\`, and there are ${keyCount}`;
    issues.push({ path: ['primaryKey'], message });
  }
  if (primaryKey !== undefined) {
    issues.push(...keyIssues(['primaryKey'], primaryKey.name, primaryKey.columns, columns));
    for (const name of primaryKey.columns) {
      // SQLite would allow it, Postgres makes the column NOT NULL without a word.
      if (findColumn(columns, name)?.nullable !== true) continue;
      issues.push({ path: ['primaryKey'], message: `holds "${name}", which is nullable` });
    }
  }
  unique.forEach((key, place) => {
    issues.push(...keyIssues(['unique', place], key.name, key.columns, columns));
  });
  for (const { name } of checks) issues.push(...nameIssues(['checks'], name));
  foreignKeys.forEach((key, place) => {
    const path = ['foreignKeys', place];
    issues.push(
      ...keyIssues(path, key.name, key.columns, columns),
      ...nameIssues(path, key.references.table),
    );
    for (const name of key.references.columns) issues.push(...nameIssues(path, name));
    if (key.columns.length !== key.references.columns.length) {
      issues.push({ path, message: 'must name as many columns as it refers to' });
    }
    issues.push(...actionIssues(path, key.onDelete));
  });
  for (const index of indexes) issues.push(...indexIssues(index, columns));
  issues.push(
    ...repeated(
      [
        ...(primaryKey === undefined ? [] : [primaryKey.name]),
        ...[...unique, ...checks, ...foreignKeys, ...indexes].map(({ name }) => name),
        ...entries
          .filter(([, { type }]) => mayHaveCheck(type.kind))
          .map(([name]) => checkName(table.name, name)),
      ],
      'constraint or index',
    ),
  );
  refuse(`table "${table.name}"`, issues);
}

/**
 * Checks a column that is added to a table with rows.
 *
 * @throws ValidationError that lists every fault
 */
export function checkAddedColumn(table: string, name: string, column: PortableColumn): void {
  const issues = [...nameIssues([], table), ...columnIssues(table, name, column)];
  if (column.primaryKey) issues.push({ path: [name], message: 'cannot be added as a primary key' });
  if (!column.nullable && column.default === undefined) {
    const message =
      'is NOT NULL and has no default, so rows that are there would have no value: say nullable or withDefault';
    issues.push({ path: [name], message });
  }
  if (column.references !== undefined && column.default !== undefined) {
    issues.push({ path: [name], message: 'refers to a table, so it cannot be added with a default' });
  }
  refuse(`column "${name}" of "${table}"`, issues);
}

/**
 * Checks an index of a table whose columns are not known.
 *
 * @throws ValidationError that lists every fault
 */
export function checkIndex(table: string, index: NamedIndex): void {
  refuse(`index "${index.name}"`, [...nameIssues([], table), ...indexIssues(index, undefined)]);
}

/** What is wrong with the name of a table, column, constraint or index. */
export function nameIssues(path: Issue['path'], name: string): Issue[] {
  const isIdentifier = typeof name === 'string' && /^[a-z_][a-z0-9_]*$/iu.test(name);
  if (!isIdentifier || name.toLowerCase().startsWith('sqlite_')) {
    const message = `"${name}" is no name here: letters, digits and _, not a digit first, not sqlite_`;
    return [{ path, message }];
  }
  if (name.length <= maxNameBytes) return [];
  const message = `"${name}" is longer than ${maxNameBytes} bytes: give a shorter \`name\`, or shorter names to what it is made of`;
  return [{ path, message }];
}

/** Throws what was found, if anything was. */
export function refuse(what: string, issues: readonly Issue[]): void {
  if (issues.length === 0) return;
  throw new ValidationError(
    issues.map(({ path, message }) => ({ path, message: `${what} in a migration: ${message}` })),
  );
}

function columnIssues(table: string, name: string, column: PortableColumn): Issue[] {
  const path = [name];
  const issues = nameIssues(path, name);
  const { type, references } = column;
  if (mayHaveCheck(type.kind)) issues.push(...nameIssues(path, checkName(table, name)));
  if (type.kind === 'enumText' && type.values.length === 0) issues.push({ path, message: 'has no values' });
  const literals = [...(type.kind === 'enumText' ? type.values : []), column.default];
  if (literals.some((literal) => typeof literal === 'string' && !isStorable(literal))) {
    issues.push({ path, message: 'has a text with a NUL or half a character in it' });
  }
  if (typeof column.default === 'number' && !Number.isFinite(column.default)) {
    issues.push({ path, message: 'has a default that is no finite number' });
  }
  if (column.primaryKey && column.nullable) issues.push({ path, message: 'is a primary key and nullable' });
  if (references !== undefined) {
    issues.push(...nameIssues(path, references.table), ...nameIssues(path, references.column));
    issues.push(...actionIssues(path, references.onDelete));
    if (references.onDelete === 'set null' && !column.nullable) {
      issues.push({ path, message: 'is set to NULL when what it refers to is deleted, but is not nullable' });
    }
  }
  return issues;
}

// It stands in the statement itself, which would end at a NUL.
function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

// From a program without types it may be anything, and it goes into the statement as it is.
function actionIssues(path: Issue['path'], action: string | undefined): Issue[] {
  if (action === undefined || deleteActions.includes(action)) return [];
  return [{ path, message: `onDelete must be one of ${deleteActions.join(', ')}` }];
}

function keyIssues(
  path: Issue['path'],
  name: string,
  names: readonly string[],
  columns: PortableColumns,
): Issue[] {
  return [...nameIssues(path, name), ...termIssues(path, names, columns)];
}

function indexIssues(index: NamedIndex, columns: PortableColumns | undefined): Issue[] {
  const path = ['indexes', index.name];
  return [...nameIssues(path, index.name), ...termIssues(path, index.terms, columns)];
}

function termIssues(
  path: Issue['path'],
  terms: readonly IndexTerm[],
  columns: PortableColumns | undefined,
): Issue[] {
  if (terms.length === 0) return [{ path, message: 'names no columns' }];
  return terms.flatMap((term) => {
    const name = typeof term === 'string' ? term : term.column;
    const issues = nameIssues(path, name);
    const column = columns && findColumn(columns, name);
    if (columns !== undefined && column === undefined) {
      issues.push({ path, message: `names "${name}", which is no column of the table` });
    }
    if (typeof term === 'string') return issues;
    if (term.path.length === 0) issues.push({ path, message: `has an empty path into "${name}"` });
    if (column !== undefined && column.type.kind !== 'json') {
      issues.push({ path, message: `looks into "${name}", which is no json column` });
    }
    return issues;
  });
}

function findColumn(columns: PortableColumns, name: string): PortableColumn | undefined {
  return Object.hasOwn(columns, name) ? columns[name] : undefined;
}

// On one engine at least.
function mayHaveCheck(kind: PortableColumn['type']['kind']): boolean {
  return kind === 'uuid' || kind === 'enumText' || kind === 'counter' || kind === 'json';
}

function checkName(table: string, column: string): string {
  return `${table}_${column}_check`;
}

// SQLite does not tell names apart by case.
function repeated(names: readonly string[], what: string): Issue[] {
  const seen = new Set<string>();
  return names.flatMap((name) => {
    const key = name.toLowerCase();
    if (seen.has(key)) return [{ path: [], message: `has more than one ${what} named "${name}"` }];
    seen.add(key);
    return [];
  });
}

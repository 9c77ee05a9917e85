import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { unknownColumn } from '../query/column.ts';
import { valueRules } from '../query/column-value.ts';
import type { StoredRow } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';

/**
 * Brings a mapper's row into the form that is stored: ids in lower case, columns that are undefined left
 * out. NULL is passed on, since the database knows best where it may stand.
 *
 * @throws ValidationError with every value that would not come back as it went in, and every column that the
 *   table does not have; it never repeats a value
 */
export function prepareRow(row: object, definition: TableDefinition): StoredRow {
  const issues: Issue[] = [];
  const prepared: Record<string, unknown> = {};
  for (const name of Object.keys(row)) {
    const value = (row as StoredRow)[name];
    const column = definition.columns.get(name);
    if (column === undefined) {
      issues.push(unknownColumn([name], definition));
    } else if (value === null) {
      prepared[name] = null;
    } else if (value !== undefined) {
      const rule = valueRules[column.kind];
      const normal = rule.normalize(value);
      if (normal === undefined) issues.push({ path: [name], message: rule.message });
      prepared[name] = normal;
    }
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return prepared;
}

/** The version that an entity's row states. */
export function versionOf(row: StoredRow, definition: TableDefinition): number | undefined {
  const name = definition.version?.name;
  if (name === undefined) return undefined;
  const version = row[name];
  if (typeof version === 'number') return version;
  throw new ValidationError([{ path: [name], message: 'must be the version that was read' }]);
}

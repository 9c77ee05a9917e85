import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { unknownColumn, type Column } from '../query/column.ts';
import type { TableDefinition } from '../repository/table-definition.ts';
import type { AuditedCascade, AuditedRows } from './audited-options.ts';

/** A column that is recorded. */
export interface AuditedField {
  readonly name: string;
  /** How its values stand in the trail. */
  readonly style: 'plain' | 'masked' | 'sealed';
  /** Whether an update can change it. */
  readonly isUpdated: boolean;
}

/** What is recorded of the rows of a table, worked out. */
export interface TableRules {
  readonly definition: TableDefinition;
  readonly entity: string;
  readonly fields: readonly AuditedField[];
  readonly cascades: readonly CascadeRules[];
}

/** What is recorded of rows that are deleted with others. */
export interface CascadeRules {
  readonly rules: TableRules;
  /** Their columns that refer to the others: the declared one, until the foreign key is known with all of its own. */
  readonly columns: readonly Column[];
  /** The names of the columns that they refer to, in the same order. */
  readonly references: readonly string[];
  /** Whether the database writes some of their columns; else it deletes them. */
  readonly isKept: boolean;
}

/**
 * Works out what is recorded of the rows of a table.
 *
 * @throws ValidationError with every fault: an entity without a name, columns that are not there
 */
export function tableRules(rows: AuditedRows, definition: TableDefinition): TableRules {
  const issues: Issue[] = [];
  const rules = readRows(rows, definition, [], issues);
  if (issues.length > 0) throw new ValidationError(issues);
  return rules;
}

function readRows(
  { entity, mask = [], ignore = [], cascades = [] }: AuditedRows,
  definition: TableDefinition,
  path: Issue['path'],
  issues: Issue[],
): TableRules {
  if (typeof entity !== 'string' || entity === '') {
    issues.push({ path: [...path, 'entity'], message: 'must be what a row is to whoever reads the trail' });
  }
  for (const [option, names] of Object.entries({ mask, ignore })) {
    names.forEach((name, index) => {
      if (!definition.columns.has(name)) issues.push(unknownColumn([...path, option, index], definition));
    });
  }
  for (const [index, name] of mask.entries()) {
    const place = [...path, 'mask', index];
    if (ignore.includes(name))
      issues.push({ path: place, message: 'is ignored as well; say one of the two' });
    if (definition.key.some((column) => column.name === name)) {
      issues.push({
        path: place,
        message: 'is of the key, which stands in the trail as the id of the entity',
      });
    }
  }
  // A blind index is made of an encrypted value, and equal ones show that values are equal.
  const hidden = new Set([...ignore, ...definition.blindIndexes.values()]);
  const fields = [...definition.columns.values()]
    .filter(({ name }) => !hidden.has(name))
    .map(({ name, sealed }): AuditedField => {
      const style = sealed ? 'sealed' : mask.includes(name) ? 'masked' : 'plain';
      const isUpdated = definition.updatable.has(name) || definition.version?.name === name;
      return { name, style, isUpdated };
    });
  const readOne = (cascade: AuditedCascade, index: number): CascadeRules[] =>
    readCascade(cascade, definition, [...path, 'cascades', index], issues);
  return { definition, entity, fields, cascades: cascades.flatMap(readOne) };
}

function readCascade(
  cascade: AuditedCascade,
  parent: TableDefinition,
  path: Issue['path'],
  issues: Issue[],
): CascadeRules[] {
  // What a repository says of its table is its whole definition.
  const definition = cascade.of?.table as TableDefinition | undefined;
  if (definition === undefined) {
    issues.push({ path: [...path, 'of'], message: 'must be a repository of the table' });
    return [];
  }
  const column = definition.columns.get(cascade.column);
  if (column === undefined) issues.push(unknownColumn([...path, 'column'], definition));
  const [key, ...others] = parent.key;
  const references = cascade.references ?? (others.length === 0 ? key?.name : undefined);
  if (references === undefined || !parent.columns.has(references)) {
    issues.push(unknownColumn([...path, 'references'], parent));
  }
  const rules = readRows(cascade, definition, path, issues);
  return column === undefined || references === undefined
    ? []
    : [{ rules, columns: [column], references: [references], isKept: false }];
}

import type { Issue } from '../foundation/issue.ts';
import { sealedColumn, unknownColumn, type Column, type TableColumns } from './column.ts';
import { columnOperand, compare, nullShape, operatorNames } from './comparison.ts';
import {
  allShapes,
  anyShape,
  notShape,
  noRow,
  type ConditionShape,
  type ShapeContext,
} from './condition-shape.ts';
import { isOperatorName, pathShape } from './json-shape.ts';

const maxDepth = 50;
const maxConditions = 1_000;

/** The names that combine filters, so that no column may have them. */
export const combinatorNames: ReadonlySet<string> = new Set(['and', 'or', 'not']);

/**
 * Reads a filter.
 *
 * It trusts nothing: names are looked up in the table's columns, values are checked by the column's kind
 * and travel as parameters.
 *
 * @param filter what the caller wrote, of type `Filter`
 * @param table whose rows are meant
 * @param context receives the values, and every fault with its path
 */
export function filterShape(filter: unknown, table: TableColumns, context: ShapeContext): ConditionShape {
  const { vocabulary, values, issues } = context;
  const compilation: Compilation = { table, vocabulary, values, issues, conditions: 0 };
  const condition = conditionOf(filter, ['filter'], 0, compilation);
  if (compilation.conditions > maxConditions) {
    issues.push({ path: ['filter'], message: `must have at most ${maxConditions} conditions` });
  }
  return condition;
}

/**
 * The columns that have one value in every row that a filter means, as far as the filter says so plainly.
 *
 * @param filter one that was read without faults
 */
export function fixedColumns(filter: object, { columns }: TableColumns): ReadonlySet<Column> {
  const fixed = new Set<Column>();
  for (const [name, value] of Object.entries(filter) as [string, unknown][]) {
    const column = columns.get(name);
    const wanted = isPlainObject(value) ? value['eq'] : value;
    if (column === undefined || column.kind === 'json') continue;
    if (wanted !== undefined && wanted !== null) fixed.add(column);
  }
  return fixed;
}

interface Compilation extends ShapeContext {
  readonly table: TableColumns;
  conditions: number;
}

type Path = Issue['path'];

function conditionOf(filter: unknown, path: Path, depth: number, compilation: Compilation): ConditionShape {
  const { table, issues } = compilation;
  if (!isPlainObject(filter)) {
    issues.push({ path, message: 'must be an object of conditions by column name; {} means every row' });
    return noRow;
  }
  if (depth > maxDepth) {
    issues.push({ path: path.slice(0, 3), message: `must not nest deeper than ${maxDepth}` });
    return noRow;
  }
  return allShapes(
    Object.entries(filter).map(([name, value]) => {
      const at = [...path, name];
      if (combinatorNames.has(name)) return combine(name, value, at, depth + 1, compilation);
      const column = table.columns.get(name);
      if (column !== undefined) return columnCondition(column, value, at, compilation);
      issues.push(unknownColumn(at, table));
      return noRow;
    }),
  );
}

function combine(
  name: string,
  value: unknown,
  path: Path,
  depth: number,
  compilation: Compilation,
): ConditionShape {
  if (name === 'not') return notShape(conditionOf(value, path, depth, compilation));
  if (!Array.isArray(value)) {
    compilation.issues.push({ path, message: 'must be a list of filters' });
    return noRow;
  }
  // Counted as conditions too: a list of a million empty filters is a long statement as well.
  compilation.conditions += value.length;
  if (compilation.conditions > maxConditions) return noRow;
  const conditions = Array.from(value, (part: unknown, index) =>
    conditionOf(part, [...path, index], depth, compilation),
  );
  return name === 'and' ? allShapes(conditions) : anyShape(conditions);
}

function columnCondition(
  column: Column,
  value: unknown,
  path: Path,
  compilation: Compilation,
): ConditionShape {
  const operand = columnOperand(column);
  compilation.conditions += 1;
  if (value === null) return nullShape(operand, true);
  if (column.sealed && !asksForNull(value)) {
    compilation.issues.push(sealedColumn(path, column));
    return noRow;
  }
  if (column.kind === 'json') return jsonCondition(column, value, path, compilation);
  if (!isPlainObject(value)) return compare(operand, 'eq', value, path, compilation);
  const entries = Object.entries(value);
  compilation.conditions += entries.length - 1;
  if (entries.length === 0) compilation.issues.push({ path, message: 'names no operator' });
  return allShapes(
    entries.map(([name, operandValue]) => {
      const at = [...path, name];
      if (isOperatorName(name)) return compare(operand, name, operandValue, at, compilation);
      compilation.issues.push({ path: at, message: `is no operator; there are ${operatorNames.join(', ')}` });
      return noRow;
    }),
  );
}

function jsonCondition(column: Column, value: unknown, path: Path, compilation: Compilation): ConditionShape {
  if (!Array.isArray(value)) return jsonPartCondition(column, value, path, compilation);
  if (value.length === 0) compilation.issues.push({ path, message: 'names no path' });
  compilation.conditions += value.length;
  if (compilation.conditions > maxConditions) return noRow;
  return allShapes(
    Array.from(value, (part: unknown, index) =>
      jsonPartCondition(column, part, [...path, index], compilation),
    ),
  );
}

function jsonPartCondition(
  column: Column,
  value: unknown,
  path: Path,
  compilation: Compilation,
): ConditionShape {
  if (isPlainObject(value)) {
    const names = Object.keys(value);
    compilation.conditions += names.length;
    if (names.includes('path')) return pathShape(column, value, path, compilation);
    if (names.length === 1 && typeof value['isNull'] === 'boolean')
      return nullShape(columnOperand(column), value['isNull']);
  }
  compilation.issues.push({
    path,
    message: 'must be null, { isNull }, { path, …operators } or a list of such paths: the column holds JSON',
  });
  return noRow;
}

function asksForNull(value: unknown): boolean {
  return isPlainObject(value) && Object.keys(value).every((name) => name === 'isNull');
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

import { sql } from 'kysely';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { Issue } from '../foundation/issue.ts';
import { unknownColumn, type Column, type TableColumns } from './column.ts';
import { compare, isNull, operatorNames, type ComparisonContext } from './comparison.ts';
import { allOf, anyOf, notTrue, nothing, type Condition } from './condition.ts';
import { isOperatorName, pathCondition } from './json-condition.ts';

const maxDepth = 50;
const maxConditions = 1_000;

/** The names that combine filters, so that no column may have them. */
export const combinatorNames: ReadonlySet<string> = new Set(['and', 'or', 'not']);

/**
 * Makes the condition of a filter.
 *
 * It trusts nothing: names are looked up in the table's columns, values are checked by the column's kind
 * and travel as parameters.
 *
 * @param filter what the caller wrote, of type `Filter`
 * @param table whose rows are meant
 * @param vocabulary the words of the engine at hand
 * @param issues receives every fault with its path; where there is one, the condition is of no use
 */
export function filterCondition(
  filter: unknown,
  table: TableColumns,
  vocabulary: SqlVocabulary,
  issues: Issue[],
): Condition {
  const compilation: Compilation = { table, vocabulary, issues, conditions: 0 };
  const condition = conditionOf(filter, ['filter'], 0, compilation);
  if (compilation.conditions > maxConditions) {
    issues.push({ path: ['filter'], message: `must have at most ${maxConditions} conditions` });
  }
  return condition;
}

interface Compilation extends ComparisonContext {
  readonly table: TableColumns;
  conditions: number;
}

type Path = Issue['path'];

function conditionOf(filter: unknown, path: Path, depth: number, compilation: Compilation): Condition {
  const { table, issues } = compilation;
  if (!isPlainObject(filter)) {
    issues.push({ path, message: 'must be an object of conditions by column name; {} means every row' });
    return nothing;
  }
  if (depth > maxDepth) {
    issues.push({ path: path.slice(0, 3), message: `must not nest deeper than ${maxDepth}` });
    return nothing;
  }
  return allOf(
    Object.entries(filter).map(([name, value]) => {
      const at = [...path, name];
      if (combinatorNames.has(name)) return combine(name, value, at, depth + 1, compilation);
      const column = table.columns.get(name);
      if (column !== undefined) return columnCondition(column, value, at, compilation);
      issues.push(unknownColumn(at, table));
      return nothing;
    }),
  );
}

function combine(
  name: string,
  value: unknown,
  path: Path,
  depth: number,
  compilation: Compilation,
): Condition {
  if (name === 'not') return notTrue(conditionOf(value, path, depth, compilation));
  if (!Array.isArray(value)) {
    compilation.issues.push({ path, message: 'must be a list of filters' });
    return nothing;
  }
  // Counted as conditions too: a list of a million empty filters is a long statement as well.
  compilation.conditions += value.length;
  if (compilation.conditions > maxConditions) return nothing;
  const conditions = Array.from(value, (part: unknown, index) =>
    conditionOf(part, [...path, index], depth, compilation),
  );
  return name === 'and' ? allOf(conditions) : anyOf(conditions);
}

function columnCondition(column: Column, value: unknown, path: Path, compilation: Compilation): Condition {
  const reference = sql.ref(column.name);
  compilation.conditions += 1;
  if (value === null) return isNull(reference);
  if (column.kind === 'json') return jsonCondition(column, value, path, compilation);
  const operand = { expression: reference, kind: column.kind };
  if (!isPlainObject(value)) return compare(operand, 'eq', value, path, compilation);
  const entries = Object.entries(value);
  compilation.conditions += entries.length - 1;
  if (entries.length === 0) compilation.issues.push({ path, message: 'names no operator' });
  return allOf(
    entries.map(([name, operandValue]) => {
      const at = [...path, name];
      if (isOperatorName(name)) return compare(operand, name, operandValue, at, compilation);
      compilation.issues.push({ path: at, message: `is no operator; there are ${operatorNames.join(', ')}` });
      return nothing;
    }),
  );
}

function jsonCondition(column: Column, value: unknown, path: Path, compilation: Compilation): Condition {
  if (!Array.isArray(value)) return jsonPartCondition(column, value, path, compilation);
  if (value.length === 0) compilation.issues.push({ path, message: 'names no path' });
  compilation.conditions += value.length;
  if (compilation.conditions > maxConditions) return nothing;
  return allOf(
    Array.from(value, (part: unknown, index) =>
      jsonPartCondition(column, part, [...path, index], compilation),
    ),
  );
}

function jsonPartCondition(column: Column, value: unknown, path: Path, compilation: Compilation): Condition {
  const reference = sql.ref(column.name);
  if (isPlainObject(value)) {
    const names = Object.keys(value);
    compilation.conditions += names.length;
    if (names.includes('path')) return pathCondition(reference, value, path, compilation);
    if (names.length === 1 && typeof value['isNull'] === 'boolean') return isNull(reference, value['isNull']);
  }
  compilation.issues.push({
    path,
    message: 'must be null, { isNull }, { path, …operators } or a list of such paths: the column holds JSON',
  });
  return nothing;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

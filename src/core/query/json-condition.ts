import type { Expression } from 'kysely';
import type { JsonPathSegment } from '../engine/sql-vocabulary.ts';
import type { Issue } from '../foundation/issue.ts';
import { isStorableText } from './column-value.ts';
import { compare, operatorNames, type ComparisonContext, type OperatorName } from './comparison.ts';
import { allOf, anyOf, notTrue, nothing, type Condition } from './condition.ts';

const maxSteps = 50;
// Postgres counts elements in 32 bits.
const maxIndex = 2_147_483_647;

/**
 * Makes the condition of one `{ path, …operators }` on a JSON column.
 *
 * @param column the column's reference
 * @param filter what the caller wrote: an object with `path`
 * @param path where it stands, for faults
 */
export function pathCondition(
  column: Expression<unknown>,
  filter: Readonly<Record<string, unknown>>,
  path: Issue['path'],
  context: ComparisonContext,
): Condition {
  const { issues } = context;
  const { path: place, ...operators } = filter;
  const entries = Object.entries(operators);
  if (!isJsonPath(place)) {
    issues.push({
      path: [...path, 'path'],
      message: `must be a list of 1 to ${maxSteps} member names and indexes from 0`,
    });
    return nothing;
  }
  if (entries.length === 0) issues.push({ path, message: 'names no operator' });
  return allOf(
    entries.map(([name, value]) => {
      const at = [...path, name];
      if (isOperatorName(name)) return comparePlace({ column, place }, name, value, at, context);
      issues.push({ path: at, message: `is no operator; there are ${operatorNames.join(', ')}` });
      return nothing;
    }),
  );
}

/** Whether a name is one of the filter language's operators. */
export function isOperatorName(name: string): name is OperatorName {
  return (operatorNames as readonly string[]).includes(name);
}

interface Place {
  readonly column: Expression<unknown>;
  readonly place: readonly JsonPathSegment[];
}

function comparePlace(
  at: Place,
  operator: OperatorName,
  value: unknown,
  path: Issue['path'],
  context: ComparisonContext,
): Condition {
  const { vocabulary, issues } = context;
  const isNull = vocabulary.jsonIsNull(at.column, at.place);
  if (operator === 'isNull' && typeof value === 'boolean') return value ? isNull : notTrue(isNull);
  if (value === null && operator === 'eq') return isNull;
  if (value === null && operator === 'ne') return notTrue(isNull);
  if (operator === 'in' && Array.isArray(value))
    return compareWithEach(at, [...(value as unknown[])], path, context);
  if (typeof value === 'boolean' && (operator === 'eq' || operator === 'ne')) {
    const expression = vocabulary.jsonBoolean(at.column, at.place);
    return compare({ expression, kind: 'integer' }, operator, value ? 1 : 0, path, context);
  }
  if (typeof value === 'number') {
    const expression = vocabulary.jsonNumber(at.column, at.place);
    return compare({ expression, kind: 'real' }, operator, value, path, context);
  }
  if (typeof value === 'string') {
    const expression = vocabulary.jsonString(at.column, at.place);
    return compare({ expression, kind: 'text' }, operator, value, path, context);
  }
  issues.push({
    path,
    message: 'must be a string, a number, or where it fits a boolean, null or a list of these',
  });
  return nothing;
}

// By type, since each type is looked for in its own way; a list may hold several.
function compareWithEach(
  at: Place,
  values: readonly unknown[],
  path: Issue['path'],
  context: ComparisonContext,
): Condition {
  const { vocabulary } = context;
  const strings = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  const others = new Set(values.filter((value) => typeof value !== 'string' && typeof value !== 'number'));
  const conditions = [...others].map((value) => comparePlace(at, 'eq', value, path, context));
  if (strings.length > 0) {
    const expression = vocabulary.jsonString(at.column, at.place);
    conditions.push(compare({ expression, kind: 'text' }, 'in', strings, path, context));
  }
  if (numbers.length > 0) {
    const expression = vocabulary.jsonNumber(at.column, at.place);
    conditions.push(compare({ expression, kind: 'real' }, 'in', numbers, path, context));
  }
  return anyOf(conditions);
}

function isJsonPath(value: unknown): value is readonly JsonPathSegment[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= maxSteps &&
    // Spread, since `every` skips holes.
    [...(value as unknown[])].every((step) =>
      typeof step === 'string'
        ? isStorableText(step)
        : Number.isSafeInteger(step) && (step as number) >= 0 && (step as number) <= maxIndex,
    )
  );
}

import { sql } from 'kysely';
import type { JsonPathSegment } from '../engine/sql-vocabulary.ts';
import type { Issue } from '../foundation/issue.ts';
import { isStorableText } from './storable-text.ts';
import type { Column } from './column.ts';
import { compare, operatorNames, type Operand, type OperatorName } from './comparison.ts';
import {
  allShapes,
  anyShape,
  notShape,
  noRow,
  type ConditionShape,
  type ShapeContext,
} from './condition-shape.ts';

const maxSteps = 50;
// Postgres counts elements in 32 bits.
const maxIndex = 2_147_483_647;

/**
 * Makes the condition of one `{ path, …operators }` on a JSON column.
 *
 * @param column the column
 * @param filter what the caller wrote: an object with `path`
 * @param path where it stands, for faults
 */
export function pathShape(
  column: Column,
  filter: Readonly<Record<string, unknown>>,
  path: Issue['path'],
  context: ShapeContext,
): ConditionShape {
  const { issues } = context;
  const { path: place, ...operators } = filter;
  const entries = Object.entries(operators);
  if (!isJsonPath(place)) {
    issues.push({
      path: [...path, 'path'],
      message: `must be a list of 1 to ${maxSteps} member names and indexes from 0`,
    });
    return noRow;
  }
  if (entries.length === 0) issues.push({ path, message: 'names no operator' });
  // A copy: the statement may be made later, when the caller's list is another one than the key says.
  const where: Place = { column, place: [...place] };
  return allShapes(
    entries.map(([name, value]) => {
      const at = [...path, name];
      if (isOperatorName(name)) return comparePlace(where, name, value, at, context);
      issues.push({ path: at, message: `is no operator; there are ${operatorNames.join(', ')}` });
      return noRow;
    }),
  );
}

/** Whether a name is one of the filter language's operators. */
export function isOperatorName(name: string): name is OperatorName {
  return (operatorNames as readonly string[]).includes(name);
}

interface Place {
  readonly column: Column;
  readonly place: readonly JsonPathSegment[];
}

function comparePlace(
  at: Place,
  operator: OperatorName,
  value: unknown,
  path: Issue['path'],
  context: ShapeContext,
): ConditionShape {
  if (operator === 'isNull' && typeof value === 'boolean') return absence(at, value, context);
  if (value === null && operator === 'eq') return absence(at, true, context);
  if (value === null && operator === 'ne') return absence(at, false, context);
  if (operator === 'in' && Array.isArray(value))
    return compareWithEach(at, [...(value as unknown[])], path, context);
  if (typeof value === 'boolean' && (operator === 'eq' || operator === 'ne')) {
    return compare(booleanAt(at, context), operator, value ? 1 : 0, path, context);
  }
  if (typeof value === 'number') return compare(numberAt(at, context), operator, value, path, context);
  if (typeof value === 'string') return compare(textAt(at, context), operator, value, path, context);
  context.issues.push({
    path,
    message: 'must be a string, a number, or where it fits a boolean, null or a list of these',
  });
  return noRow;
}

// By type, since each type is looked for in its own way; a list may hold several.
function compareWithEach(
  at: Place,
  values: readonly unknown[],
  path: Issue['path'],
  context: ShapeContext,
): ConditionShape {
  const strings = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  const others = new Set(values.filter((value) => typeof value !== 'string' && typeof value !== 'number'));
  const conditions = [...others].map((value) => comparePlace(at, 'eq', value, path, context));
  if (strings.length > 0) conditions.push(compare(textAt(at, context), 'in', strings, path, context));
  if (numbers.length > 0) conditions.push(compare(numberAt(at, context), 'in', numbers, path, context));
  return anyShape(conditions);
}

function absence(at: Place, wanted: boolean, { vocabulary }: ShapeContext): ConditionShape {
  const shape = {
    key: `${keyOf(at)} null`,
    make: () => vocabulary.jsonIsNull(sql.ref(at.column.name), at.place),
  };
  return wanted ? shape : notShape(shape);
}

function textAt(at: Place, { vocabulary }: ShapeContext): Operand {
  return {
    key: `${keyOf(at)}s`,
    kind: 'text',
    make: () => vocabulary.jsonString(sql.ref(at.column.name), at.place),
  };
}

function numberAt(at: Place, { vocabulary }: ShapeContext): Operand {
  return {
    key: `${keyOf(at)}n`,
    kind: 'real',
    make: () => vocabulary.jsonNumber(sql.ref(at.column.name), at.place),
  };
}

function booleanAt(at: Place, { vocabulary }: ShapeContext): Operand {
  return {
    key: `${keyOf(at)}b`,
    kind: 'integer',
    make: () => vocabulary.jsonBoolean(sql.ref(at.column.name), at.place),
  };
}

// The path is part of the statement, so it is part of the shape.
function keyOf({ column, place }: Place): string {
  return `${column.position}${JSON.stringify(place)}`;
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

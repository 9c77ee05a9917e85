import { sql, type Expression, type SqlBool } from 'kysely';
import type { ColumnKind } from '../engine/sql-vocabulary.ts';
import type { Issue } from '../foundation/issue.ts';
import { bindValue, valueRules } from './column-value.ts';
import type { Column } from './column.ts';
import type { Condition } from './condition.ts';
import { addValue, anyShape, noRow, type ConditionShape, type ShapeContext } from './condition-shape.ts';
import { isStorableText } from './storable-text.ts';

/** What stands on the left of an operator. */
export interface Operand {
  /** Tells it from every other operand of its table. */
  readonly key: string;
  readonly kind: ColumnKind;
  make(): Expression<unknown>;
}

/** The operators of the filter language. */
export const operatorNames = [
  'eq',
  'ne',
  'in',
  'lt',
  'lte',
  'gt',
  'gte',
  'like',
  'contains',
  'isNull',
] as const;
export type OperatorName = (typeof operatorNames)[number];

// `is distinct from` and not `<>`: what is NULL does differ from a value.
const signs = {
  eq: sql`=`,
  ne: sql`is distinct from`,
  lt: sql`<`,
  lte: sql`<=`,
  gt: sql`>`,
  gte: sql`>=`,
} as const;

const maxListLength = 100_000;
// Reals travel as one parameter each on SQLite, whose statements have a limit of those.
const maxReals = 10_000;
const maxPatternLength = 10_000;

/** A column as an operand. */
export function columnOperand({ name, position, kind }: Column): Operand {
  return { key: String(position), kind, make: () => sql.ref(name) };
}

/**
 * Compares an operand with a value from outside.
 *
 * @param path where the value stands, for faults
 * @returns the condition; of no use, with a fault in the context's issues, where the value does not fit
 */
export function compare(
  operand: Operand,
  operator: OperatorName,
  value: unknown,
  path: Issue['path'],
  context: ShapeContext,
): ConditionShape {
  const { kind } = operand;
  const refuse = (message: string): ConditionShape => {
    context.issues.push({ path, message });
    return noRow;
  };
  if (value === undefined) return refuse('must not be undefined; leave the operator out, or ask for null');
  if (!isOperatorOf(kind, operator)) return refuse(`is no operator for ${kind} values`);
  switch (operator) {
    case 'isNull':
      if (typeof value !== 'boolean') return refuse('must be true or false');
      return nullShape(operand, value);
    case 'in':
      return compareWithList(operand, value, path, context);
    case 'like': {
      const fault = faultOfPattern(value);
      return fault === undefined ? likeShape(operand, value as string, context) : refuse(fault);
    }
    case 'contains':
      if (typeof value !== 'string' || !isStorableText(value)) return refuse(valueRules.text.message);
      return containsShape(operand, value, context);
    default:
      return compareWithValue(operand, operator, value, path, context);
  }
}

/** Whether an expression is NULL, or is not. */
export function isNull(expression: Expression<unknown>, wanted = true): Condition {
  return wanted ? sql<SqlBool>`${expression} is null` : sql<SqlBool>`${expression} is not null`;
}

/** Whether an operand is NULL, or is not. */
export function nullShape(operand: Operand, wanted: boolean): ConditionShape {
  return { key: `${operand.key}${wanted ? ' null' : ' set'}`, make: () => isNull(operand.make(), wanted) };
}

function isOperatorOf(kind: ColumnKind, operator: OperatorName): boolean {
  switch (operator) {
    case 'like':
    case 'contains':
      return kind === 'text';
    case 'eq':
    case 'ne':
      return kind !== 'json';
    case 'isNull':
      return true;
    default:
      return kind !== 'json' && kind !== 'blob';
  }
}

function likeShape(operand: Operand, pattern: string, context: ShapeContext): ConditionShape {
  const { vocabulary } = context;
  const parameter = addValue(context, vocabulary.patternParameter(pattern));
  return {
    key: `${operand.key} like`,
    make: () => vocabulary.like(operand.make() as Expression<string | null>, parameter()),
  };
}

function containsShape(operand: Operand, part: string, context: ShapeContext): ConditionShape {
  const parameter = addValue(context, part);
  return {
    key: `${operand.key} has`,
    make: () => context.vocabulary.contains(operand.make() as Expression<string | null>, parameter()),
  };
}

function compareWithValue(
  operand: Operand,
  operator: keyof typeof signs,
  value: unknown,
  path: Issue['path'],
  context: ShapeContext,
): ConditionShape {
  const { key, kind } = operand;
  if (value === null && (operator === 'eq' || operator === 'ne'))
    return nullShape(operand, operator === 'eq');
  const normal = valueRules[kind].normalize(value);
  if (normal === undefined) {
    context.issues.push({ path, message: valueRules[kind].message });
    return noRow;
  }
  const parameter = addValue(context, normal);
  return {
    key: `${key} ${operator}`,
    make: () => sql<SqlBool>`${operand.make()} ${signs[operator]} ${bindValue(parameter(), kind)}`,
  };
}

function compareWithList(
  operand: Operand,
  value: unknown,
  path: Issue['path'],
  context: ShapeContext,
): ConditionShape {
  const { kind } = operand;
  const { issues } = context;
  const max = kind === 'real' ? maxReals : maxListLength;
  if (!Array.isArray(value) || value.length > max) {
    issues.push({ path, message: `must be a list of at most ${max} values` });
    return noRow;
  }
  const values: (string | number)[] = [];
  let orNull = false;
  for (let index = 0; index < value.length; index += 1) {
    const element: unknown = value[index];
    const normal = element === null ? undefined : valueRules[kind].normalize(element);
    if (element === null) {
      orNull = true;
    } else if (normal === undefined) {
      issues.push({ path: [...path, index], message: valueRules[kind].message });
    } else {
      values.push(normal as string | number);
    }
  }
  const conditions: ConditionShape[] = [];
  if (values.length > 0) conditions.push(listShape(operand, values, context));
  if (orNull) conditions.push(nullShape(operand, true));
  return anyShape(conditions);
}

function listShape(
  operand: Operand,
  values: readonly (string | number)[],
  context: ShapeContext,
): ConditionShape {
  const { vocabulary } = context;
  const { key, kind } = operand;
  const parameters = vocabulary.listParameters(values, kind).map((parameter) => addValue(context, parameter));
  return {
    key: `${key} in${parameters.length}`,
    make: () =>
      vocabulary.isIn(
        operand.make(),
        parameters.map((parameter) => parameter()),
        kind,
      ),
  };
}

function faultOfPattern(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string' || !isStorableText(pattern)) return valueRules.text.message;
  if (pattern.length > maxPatternLength) return `must be at most ${maxPatternLength} characters long`;
  let escapes = 0;
  while (pattern[pattern.length - 1 - escapes] === '\\') escapes += 1;
  return escapes % 2 === 1 ? 'must not end in a lone backslash; write two for a literal one' : undefined;
}

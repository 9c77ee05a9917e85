import { sql, type Expression, type SqlBool } from 'kysely';
import type { ColumnKind, SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { Issue } from '../foundation/issue.ts';
import { bindValue, isStorableText, valueRules } from './column-value.ts';
import { anyOf, nothing, type Condition } from './condition.ts';

/** What stands on the left of an operator. */
export interface Operand {
  readonly expression: Expression<unknown>;
  readonly kind: ColumnKind;
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

/** What a comparison is made with: the engine's words, and where faults are reported. */
export interface ComparisonContext {
  readonly vocabulary: SqlVocabulary;
  readonly issues: Issue[];
}

/**
 * Compares an operand with a value from outside.
 *
 * @param path where the value stands, for faults
 * @returns the condition; `nothing`, with a fault in the context's issues, where the value does not fit
 */
export function compare(
  operand: Operand,
  operator: OperatorName,
  value: unknown,
  path: Issue['path'],
  context: ComparisonContext,
): Condition {
  const { expression, kind } = operand;
  const refuse = (message: string): Condition => {
    context.issues.push({ path, message });
    return nothing;
  };
  if (value === undefined) return refuse('must not be undefined; leave the operator out, or ask for null');
  if (!isOperatorOf(kind, operator)) return refuse(`is no operator for ${kind} values`);
  switch (operator) {
    case 'isNull':
      if (typeof value !== 'boolean') return refuse('must be true or false');
      return isNull(expression, value);
    case 'in':
      return compareWithList(operand, value, path, context);
    case 'like': {
      const fault = faultOfPattern(value);
      if (fault !== undefined) return refuse(fault);
      return context.vocabulary.like(expression as Expression<string | null>, value as string);
    }
    case 'contains':
      if (typeof value !== 'string' || !isStorableText(value)) return refuse(valueRules.text.message);
      return context.vocabulary.contains(expression as Expression<string | null>, value);
    default:
      return compareWithValue(operand, operator, value, path, context);
  }
}

/** Whether an expression is NULL, or is not. */
export function isNull(expression: Expression<unknown>, wanted = true): Condition {
  return wanted ? sql<SqlBool>`${expression} is null` : sql<SqlBool>`${expression} is not null`;
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

function compareWithValue(
  { expression, kind }: Operand,
  operator: keyof typeof signs,
  value: unknown,
  path: Issue['path'],
  { issues }: ComparisonContext,
): Condition {
  if (value === null && (operator === 'eq' || operator === 'ne'))
    return isNull(expression, operator === 'eq');
  const normal = valueRules[kind].normalize(value);
  if (normal !== undefined) return sql<SqlBool>`${expression} ${signs[operator]} ${bindValue(normal, kind)}`;
  issues.push({ path, message: valueRules[kind].message });
  return nothing;
}

function compareWithList(
  { expression, kind }: Operand,
  value: unknown,
  path: Issue['path'],
  { vocabulary, issues }: ComparisonContext,
): Condition {
  const max = kind === 'real' ? maxReals : maxListLength;
  if (!Array.isArray(value) || value.length > max) {
    issues.push({ path, message: `must be a list of at most ${max} values` });
    return nothing;
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
  const conditions: Condition[] = [];
  if (values.length > 0) conditions.push(vocabulary.isIn(expression, values, kind));
  if (orNull) conditions.push(isNull(expression));
  return anyOf(conditions);
}

function faultOfPattern(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string' || !isStorableText(pattern)) return valueRules.text.message;
  if (pattern.length > maxPatternLength) return `must be at most ${maxPatternLength} characters long`;
  let escapes = 0;
  while (pattern[pattern.length - 1 - escapes] === '\\') escapes += 1;
  return escapes % 2 === 1 ? 'must not end in a lone backslash; write two for a literal one' : undefined;
}

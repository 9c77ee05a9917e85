/**
 * The filter language once more, over rows in memory: written for clarity, and from the documentation alone,
 * so that it can contradict the engines.
 */
import type { Thing } from './things.ts';

type Value = unknown;
type Fields = Readonly<Record<string, unknown>>;

export function matches(row: Thing, filter: Fields): boolean {
  return Object.entries(filter).every(([name, condition]) => {
    switch (name) {
      case 'and':
        return (condition as Fields[]).every((part) => matches(row, part));
      case 'or':
        return (condition as Fields[]).some((part) => matches(row, part));
      case 'not':
        return !matches(row, condition as Fields);
      case 'data':
        return matchesJson(row.data, condition);
      default:
        return matchesValue(row[name as keyof Thing], condition);
    }
  });
}

function matchesValue(value: Value, condition: unknown): boolean {
  if (typeof condition !== 'object' || condition === null || condition instanceof Uint8Array) {
    return holds(value, 'eq', condition);
  }
  return Object.entries(condition).every(([operator, operand]) => holds(value, operator, operand));
}

function matchesJson(text: string | null, condition: unknown): boolean {
  if (condition === null) return text === null;
  if (Array.isArray(condition)) return condition.every((part) => matchesJson(text, part));
  const { path, ...operators } = condition as Fields;
  if (path === undefined) return holds(text, 'isNull', operators['isNull']);
  const found = text === null ? null : follow(JSON.parse(text), path as (string | number)[]);
  return Object.entries(operators).every(([operator, operand]) => holds(found, operator, operand));
}

/** What lies at a path; null where there is nothing. */
function follow(document: unknown, path: readonly (string | number)[]): unknown {
  let value = document;
  for (const step of path) {
    const isRight = typeof step === 'number' ? Array.isArray(value) : isObject(value);
    if (!isRight || !Object.hasOwn(value as object, step)) return null;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function holds(value: Value, operator: string, operand: unknown): boolean {
  switch (operator) {
    case 'eq':
      return same(value, operand);
    case 'ne':
      return !same(value, operand);
    case 'in':
      return (operand as unknown[]).some((element) => same(value, element));
    case 'isNull':
      return (value === null) === operand;
    case 'like':
      return typeof value === 'string' && likeExpression(operand as string).test(value);
    case 'contains':
      return typeof value === 'string' && value.includes(operand as string);
    default: {
      // Only what is of one type has an order.
      if (value === null || typeof value !== typeof operand) return false;
      const order = compareValues(value, operand);
      if (operator === 'lt') return order < 0;
      if (operator === 'lte') return order <= 0;
      if (operator === 'gt') return order > 0;
      return order >= 0;
    }
  }
}

function same(left: unknown, right: unknown): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0;
  return left === right;
}

function likeExpression(pattern: string): RegExp {
  const source = pattern.replace(
    /\\([^])|([^])/gu,
    (_, escaped: string | undefined, plain: string | undefined) => {
      if (plain === '%') return '[^]*';
      if (plain === '_') return '[^]';
      return `\\u{${(escaped ?? plain ?? '').codePointAt(0)!.toString(16)}}`;
    },
  );
  return new RegExp(`^${source}$`, 'u');
}

/** NULLs last; texts by their bytes. */
function compareValues(left: unknown, right: unknown): number {
  if (typeof left === 'string' && typeof right === 'string') {
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  }
  return Number(left) - Number(right);
}

/** Sorts as `orderBy` does, with ` desc` behind a column that goes down; the id follows in the last direction. */
export function sortThings(rows: readonly Thing[], orderBy: readonly string[]): Thing[] {
  const last = orderBy.at(-1)?.endsWith(' desc') ? 'id desc' : 'id';
  const terms = [...orderBy, last].map((term) => term.split(' ') as [keyof Thing, string | undefined]);
  return rows.toSorted((left, right) => {
    for (const [name, direction] of terms) {
      const [a, b] = [left[name], right[name]];
      if (a === null || b === null) {
        if (a !== b) return a === null ? 1 : -1;
        continue;
      }
      const order = compareValues(a, b);
      if (order !== 0) return direction === 'desc' ? -order : order;
    }
    return 0;
  });
}

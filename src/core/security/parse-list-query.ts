import type { Cursor } from '../domain/page.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { ColumnName } from '../query/column.ts';
import type { OperatorName } from '../query/comparison.ts';
import type { Filter } from '../query/filter.ts';
import type { OrderTerm } from '../query/order.ts';
import { readListInput, shownName, type ListInputEntry } from './list-input.ts';
import type { FilterRule, ListRules } from './list-rules.ts';
import { maxValueLength, readOutsideFlag, readOutsideInteger, readOutsideValue } from './outside-value.ts';

/** What was asked for, in the form that repositories take. */
export interface ListQuery<
  Row,
  Select extends ColumnName<Row> = never,
  Columns extends ColumnName<Row> = ColumnName<Row>,
> {
  /** The first argument of `findMany`, `page`, `count`, `exists` and `stream`. */
  readonly filter: Filter<Pick<Row, Columns & keyof Row>>;
  /** The options of `findMany`. */
  readonly find: {
    readonly orderBy?: readonly OrderTerm<Pick<Row, Columns & keyof Row>>[];
    readonly limit: number;
  };
  /** The options of `page`. */
  readonly page: ListQuery<Row, Select, Columns>['find'] & {
    readonly after?: Cursor;
    readonly before?: Cursor;
  };
  /** The columns to be read, for `select`: those that were asked for, or all that may be. */
  readonly select: readonly Select[];
}

const maxListLength = 100;
const maxCursorLength = 4_000;
const mostRows = 1_000;

/**
 * Reads what somebody outside asks of a list: `sort`, `select`, `filter`, `limit`, `after` and `before`. Names are
 * looked up in the allow-list, and values are checked by their kind; nothing that is not allowed gets through, and
 * nothing is left out in silence. It knows no HTTP: whoever serves one hands over the query of the URL.
 *
 * `sort=-updated_at,title` sorts downwards by the first column; `filter[title]=Lunch` and
 * `filter[updated_at][gte]=5` filter, and a name that comes twice is a list for `in`. The same as an object:
 * `{ sort: '-updated_at', filter: { title: 'Lunch', updated_at: { gte: 5 } } }`.
 *
 * @param allowed the allow-list
 * @param input `URLSearchParams`, or an object
 * @returns the arguments of a repository's methods
 * @throws ValidationError with every fault; it repeats no value
 * @example
 * const rules: ListRules<ContextThreadsTable, never, 'title' | 'updated_at'> = {
 *   sort: ['updated_at'],
 *   filter: { title: { kind: 'text', operators: ['eq', 'contains'] } },
 * };
 * const { filter, page } = parseListQuery(rules, new URL(request.url).searchParams);
 * await mine.page(filter, page);
 */
export function parseListQuery<
  Row,
  Select extends ColumnName<Row> = never,
  Columns extends ColumnName<Row> = ColumnName<Row>,
>(allowed: ListRules<Row, Select, Columns>, input: unknown): ListQuery<Row, Select, Columns> {
  const { maxLimit = 100, defaultLimit = Math.min(50, maxLimit) } = allowed;
  requireRules(maxLimit, defaultLimit);
  const issues: Issue[] = [];
  const asked: Asked = { filter: {}, issues };
  const rules = allowed as unknown as UntypedRules;
  for (const entry of readListInput(input, issues)) readEntry(entry, rules, maxLimit, asked);
  if (asked.after !== undefined && asked.before !== undefined) {
    issues.push({ path: ['before'], message: 'cannot be asked for together with `after`' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  const { orderBy, limit = defaultLimit, after, before, select = rules.select ?? [] } = asked;
  const find = { ...(orderBy && { orderBy }), limit };
  const page = { ...find, ...(after && { after }), ...(before && { before }) };
  return { filter: asked.filter, find, page, select } as unknown as ListQuery<Row, Select, Columns>;
}

interface UntypedRules {
  readonly sort?: readonly string[];
  readonly select?: readonly string[];
  readonly filter?: Readonly<Record<string, FilterRule>>;
}

interface Asked {
  readonly issues: Issue[];
  readonly filter: Record<string, Record<string, unknown>>;
  orderBy?: readonly string[];
  select?: readonly string[];
  limit?: number;
  after?: string;
  before?: string;
}

function readEntry(
  { path, value }: ListInputEntry,
  rules: UntypedRules,
  maxLimit: number,
  asked: Asked,
): void {
  const [name, column, operator = 'eq'] = path;
  const { issues } = asked;
  if (name === 'filter') return readCondition(column, operator, value, rules, asked);
  // A name without any part has its fault already.
  if (name === undefined) return;
  if (column !== undefined || !isPart(name)) {
    issues.push({ path: path.map(shownName), message: `is not known; there are ${parts.join(', ')}` });
  } else if (asked[name === 'sort' ? 'orderBy' : name] !== undefined) {
    issues.push({ path: [name], message: 'must be asked for once' });
  } else if (name === 'sort') {
    asked.orderBy = readSort(value, rules.sort ?? [], issues);
  } else if (name === 'select') {
    asked.select = readNames(value, 'select', rules.select ?? [], issues);
  } else if (name === 'limit') {
    asked.limit = readLimit(value, maxLimit, issues);
  } else if (typeof value === 'string' && value.length <= maxCursorLength && /^[\w-]+$/u.test(value)) {
    asked[name] = value;
  } else {
    issues.push({ path: [name], message: 'must be a cursor of a page, as it was given out' });
  }
}

const parts = ['sort', 'select', 'filter', 'limit', 'after', 'before'] as const;
type Part = Exclude<(typeof parts)[number], 'filter'>;

function isPart(name: string): name is Part {
  return name !== 'filter' && (parts as readonly string[]).includes(name);
}

function readSort(value: unknown, allowed: readonly string[], issues: Issue[]): string[] {
  const terms = listOf(value, 'sort', issues).map((term) => {
    const [, sign, name, direction] = /^(-?)(\w+)(?: (asc|desc))?$/u.exec(term) ?? [];
    return { name: name ?? '', descending: sign === '-' || direction === 'desc' };
  });
  requireNames(
    terms.map(({ name }) => name),
    'sort',
    allowed,
    issues,
  );
  return terms.map(({ name, descending }) => (descending ? `${name} desc` : name));
}

function readNames(value: unknown, part: string, allowed: readonly string[], issues: Issue[]): string[] {
  const names = listOf(value, part, issues);
  requireNames(names, part, allowed, issues);
  return names;
}

function listOf(value: unknown, part: string, issues: Issue[]): string[] {
  const list: unknown =
    typeof value === 'string' && value.length <= maxValueLength ? value.split(',') : value;
  if (Array.isArray(list) && list.length > 0 && list.length <= maxListLength) {
    if (list.every((name) => typeof name === 'string')) return list;
  }
  issues.push({ path: [part], message: `must be names with commas between them, at most ${maxListLength}` });
  return [];
}

function requireNames(
  names: readonly string[],
  part: string,
  allowed: readonly string[],
  issues: Issue[],
): void {
  names.forEach((name, index) => {
    if (!allowed.includes(name)) {
      const known = allowed.length === 0 ? 'nothing may be' : `these may be: ${allowed.join(', ')}`;
      issues.push({ path: [part, index], message: `cannot be asked for; ${known}` });
    } else if (names.indexOf(name) < index) {
      issues.push({ path: [part, index], message: 'is named twice' });
    }
  });
}

function readLimit(value: unknown, max: number, issues: Issue[]): number {
  const limit = readOutsideInteger(value);
  if (limit !== undefined && limit >= 0 && limit <= max) return limit;
  issues.push({ path: ['limit'], message: `must be a whole number from 0 to ${max}` });
  return 0;
}

function readCondition(
  column: string | undefined,
  operator: string,
  value: unknown,
  { filter: rules = {} }: UntypedRules,
  { filter, issues }: Asked,
): void {
  const names = Object.keys(rules);
  const path = ['filter', ...(column === undefined ? [] : [shownName(column)])];
  const rule = column !== undefined && Object.hasOwn(rules, column) ? rules[column] : undefined;
  if (column === undefined || rule === undefined) {
    const known = names.length === 0 ? 'nothing may be' : `these may be: ${names.join(', ')}`;
    issues.push({ path, message: `cannot be filtered by; ${known}` });
    return;
  }
  const at = [...path, shownName(operator)];
  if (!isOperatorOf(rule, operator)) {
    issues.push({ path: at, message: `is not allowed; there are ${rule.operators.join(', ')}` });
    return;
  }
  const operators = (filter[column] ??= {});
  if (Object.hasOwn(operators, operator)) {
    issues.push({ path: at, message: 'must be asked for once' });
    return;
  }
  const read = readOperand(rule, operator, value);
  if (read === undefined) issues.push({ path: at, message: operandMessage(rule, operator) });
  else operators[operator] = read;
}

function isOperatorOf({ operators }: FilterRule, name: string): name is OperatorName {
  return (operators as readonly string[]).includes(name);
}

function readOperand({ kind }: FilterRule, operator: OperatorName, value: unknown): unknown {
  if (operator === 'isNull') return readOutsideFlag(value);
  if (operator !== 'in') return readOutsideValue(kind, value);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > maxListLength) return undefined;
  const values = Array.from(list, (element) => readOutsideValue(kind, element));
  return values.includes(undefined) ? undefined : values;
}

function operandMessage({ kind }: FilterRule, operator: OperatorName): string {
  if (operator === 'isNull') return 'must be true or false';
  const one = `of kind ${kind}, at most ${maxValueLength} characters long`;
  return operator === 'in' ? `must be at most ${maxListLength} values ${one}` : `must be one value ${one}`;
}

function requireRules(maxLimit: number, defaultLimit: number): void {
  const issues: Issue[] = [];
  if (!Number.isInteger(maxLimit) || maxLimit < 1 || maxLimit > mostRows) {
    issues.push({ path: ['maxLimit'], message: `must be an integer from 1 to ${mostRows}` });
  }
  if (!Number.isInteger(defaultLimit) || defaultLimit < 0 || defaultLimit > maxLimit) {
    issues.push({ path: ['defaultLimit'], message: 'must be an integer from 0 to maxLimit' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
}

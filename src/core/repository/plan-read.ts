import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { sealedColumn, unknownColumn, type Column } from '../query/column.ts';
import { valueRules } from '../query/column-value.ts';
import type { ConditionShape, ShapeContext } from '../query/condition-shape.ts';
import { decodeCursor } from '../query/cursor.ts';
import { filterShape, fixedColumns } from '../query/filter-shape.ts';
import type { Gap } from '../query/keyset.ts';
import { checkLimit } from '../query/limit.ts';
import { isOneRow, resolveOrder, type Order } from '../query/order.ts';
import type { TableDefinition } from './table-definition.ts';

/**
 * What callers wrote, checked and turned into parts of a statement. Every fault of a call is found before
 * anything is sent, and all of them are reported at once.
 */
export interface ReadContext {
  readonly definition: TableDefinition;
  readonly vocabulary: SqlVocabulary;
}

/** Which rows are meant: a condition without its values, and those. */
export interface FilterPlan {
  readonly condition: ConditionShape;
  /** The values of the condition; whoever builds a statement on it adds its own behind them. */
  readonly values: unknown[];
}

/** A read of rows. */
export interface FindPlan extends FilterPlan {
  readonly order: Order;
  readonly limit: number | undefined;
  readonly names: readonly string[];
}

/** A read of one page: the rows in one direction of a gap, or from the start. */
export interface PagePlan extends FilterPlan {
  readonly order: Order;
  readonly limit: number;
  readonly gap: Gap | undefined;
  readonly direction: 'after' | 'before';
}

/** A read in chunks. */
export interface StreamPlan extends FilterPlan {
  readonly order: Order;
  readonly chunkSize: number;
}

const findLimit = { name: 'limit', min: 0, max: 100_000 };
const pageLimit = { name: 'limit', min: 0, max: 1_000 };
const chunkLimit = { name: 'chunkSize', min: 1, max: 10_000 };
const defaultPageLimit = 50;
const defaultChunkSize = 500;
// A long list may be wrong in every element; nobody reads that many.
const maxIssues = 100;

/** @throws ValidationError with every fault of the filter */
export function planFilter(filter: unknown, context: ReadContext): FilterPlan {
  const shape = openShape(context);
  const plan = readFilter(filter, context, shape);
  throwFaults(shape.issues);
  return plan;
}

/** @throws ValidationError with every fault of the filter, the order, the limit and the selection */
export function planFind(
  filter: unknown,
  options: { readonly orderBy?: unknown; readonly limit?: unknown; readonly select?: unknown },
  context: ReadContext,
): FindPlan {
  const { definition } = context;
  const { orderBy, limit, select } = options;
  const shape = openShape(context);
  const { issues } = shape;
  const plan = {
    ...readFilter(filter, context, shape),
    order: readFindOrder(orderBy, filter, context, issues),
    limit: limit === undefined ? undefined : checkLimit(limit, findLimit, issues),
    names: select === undefined ? definition.names : checkSelection(select, definition, issues),
  };
  throwFaults(issues);
  return plan;
}

/** @throws ValidationError with every fault of the filter, the order, the limit and the cursors */
export function planPage(
  filter: unknown,
  options: {
    readonly orderBy?: unknown;
    readonly limit?: unknown;
    readonly after?: unknown;
    readonly before?: unknown;
  },
  context: ReadContext,
): PagePlan {
  const { definition } = context;
  const { orderBy, limit = defaultPageLimit, after, before } = options;
  const shape = openShape(context);
  const { issues } = shape;
  const filterPlan = readFilter(filter, context, shape);
  const known = issues.length;
  const order = readOrder(orderBy, filter, context, issues);
  const direction = before === undefined ? 'after' : 'before';
  if (after !== undefined && before !== undefined) {
    issues.push({ path: ['before'], message: 'cannot be asked for together with `after`' });
  }
  const cursor = after === undefined ? before : after;
  // With a faulty order every cursor would look foreign as well.
  const gap =
    cursor === undefined || issues.length > known
      ? undefined
      : decodeCursor(cursor, definition.table, order, issues, [direction]);
  const plan = { ...filterPlan, order, limit: checkLimit(limit, pageLimit, issues), gap, direction } as const;
  throwFaults(issues);
  return plan;
}

/** @throws ValidationError with every fault of the filter, the order and the chunk size */
export function planStream(
  filter: unknown,
  options: { readonly orderBy?: unknown; readonly chunkSize?: unknown },
  context: ReadContext,
): StreamPlan {
  const shape = openShape(context);
  const { issues } = shape;
  const plan = {
    ...readFilter(filter, context, shape),
    order: readOrder(options.orderBy, filter, context, issues),
    chunkSize: checkLimit(options.chunkSize ?? defaultChunkSize, chunkLimit, issues),
  };
  throwFaults(issues);
  return plan;
}

/**
 * The values of the one row's key.
 *
 * @param key the value of the key's column; an object of values by column where there are several
 * @returns a value for each column of the key
 * @throws ValidationError where the key is incomplete or a part does not fit its column
 */
export function planKey(key: unknown, { key: columns }: TableDefinition): unknown[] {
  const [first] = columns;
  if (first !== undefined && columns.length === 1 && key !== null && key !== undefined) {
    const value = valueRules[first.kind].normalize(key);
    if (value !== undefined) return [value];
  }
  const issues: Issue[] = [];
  let values: unknown[];
  if (first !== undefined && columns.length === 1) {
    values = [readKeyPart(key, first, ['key'], issues)];
  } else if (typeof key !== 'object' || key === null) {
    const names = columns.map(({ name }) => name).join(', ');
    throw new ValidationError([{ path: ['key'], message: `must be an object with ${names}` }]);
  } else {
    const parts = key as Readonly<Record<string, unknown>>;
    values = columns.map((column) => readKeyPart(parts[column.name], column, ['key', column.name], issues));
  }
  throwFaults(issues);
  return values;
}

function readKeyPart(value: unknown, { kind }: Column, path: Issue['path'], issues: Issue[]): unknown {
  const rule = valueRules[kind];
  const normal = value === null || value === undefined ? undefined : rule.normalize(value);
  if (normal === undefined) {
    issues.push({ path, message: value === null || value === undefined ? 'must be given' : rule.message });
  }
  return normal;
}

function openShape({ vocabulary }: ReadContext): ShapeContext {
  return { vocabulary, values: [], issues: [] };
}

function readFilter(filter: unknown, { definition }: ReadContext, shape: ShapeContext): FilterPlan {
  return { condition: filterShape(filter, definition, shape), values: shape.values };
}

function readOrder(orderBy: unknown, filter: unknown, { definition }: ReadContext, issues: Issue[]): Order {
  return resolveOrder(orderBy, definition, definition, fixedBy(filter, definition, issues), issues);
}

// One row needs no order; with one, planners are led to read the rows in that order until they meet it.
function readFindOrder(orderBy: unknown, filter: unknown, context: ReadContext, issues: Issue[]): Order {
  const { definition } = context;
  const isOne = orderBy === undefined && isOneRow(definition, fixedBy(filter, definition, issues));
  return isOne ? [] : readOrder(orderBy, filter, context, issues);
}

function fixedBy(
  filter: unknown,
  definition: TableDefinition,
  issues: readonly Issue[],
): ReadonlySet<Column> {
  if (definition.unique.length === 0 || issues.length > 0) return noColumns;
  return fixedColumns(filter as object, definition);
}

const noColumns: ReadonlySet<Column> = new Set();

function checkSelection(select: unknown, definition: TableDefinition, issues: Issue[]): readonly string[] {
  if (!Array.isArray(select) || select.length === 0) {
    issues.push({ path: ['select'], message: 'must be a list of at least one column' });
    return [];
  }
  const names = Array.from(select, (name: unknown, index) => {
    const column = typeof name === 'string' ? definition.columns.get(name) : undefined;
    if (column === undefined) issues.push(unknownColumn(['select', index], definition));
    else if (column.sealed) issues.push(sealedColumn(['select', index], column));
    // Asked for its text, an object could answer with an error of its own.
    return typeof name === 'string' ? name : `#${index}`;
  });
  if (new Set(names).size < names.length) issues.push({ path: ['select'], message: 'names a column twice' });
  return names;
}

/** @throws ValidationError with the faults, where there are any; of very many only the first ones */
export function throwFaults(issues: readonly Issue[]): void {
  if (issues.length === 0) return;
  if (issues.length <= maxIssues) throw new ValidationError(issues);
  const message = `and ${issues.length - maxIssues} faults more`;
  throw new ValidationError([...issues.slice(0, maxIssues), { path: [], message }]);
}

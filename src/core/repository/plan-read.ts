import { sql } from 'kysely';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { unknownColumn } from '../query/column.ts';
import { compare } from '../query/comparison.ts';
import { allOf, nothing, type Condition } from '../query/condition.ts';
import { decodeCursor } from '../query/cursor.ts';
import { filterCondition } from '../query/filter-condition.ts';
import type { Gap } from '../query/keyset.ts';
import { checkLimit } from '../query/limit.ts';
import { resolveOrder, type Order } from '../query/order.ts';
import type { TableDefinition } from './table-definition.ts';

/**
 * What callers wrote, checked and turned into parts of a statement. Every fault of a call is found before
 * anything is sent, and all of them are reported at once.
 */
export interface ReadContext {
  readonly definition: TableDefinition;
  readonly vocabulary: SqlVocabulary;
}

/** A read of rows. */
export interface FindPlan {
  readonly condition: Condition;
  readonly order: Order;
  readonly limit: number | undefined;
  readonly names: readonly string[];
}

/** A read of one page: the rows in one direction of a gap, or from the start. */
export interface PagePlan {
  readonly condition: Condition;
  readonly order: Order;
  readonly limit: number;
  readonly gap: Gap | undefined;
  readonly direction: 'after' | 'before';
}

/** A read in chunks. */
export interface StreamPlan {
  readonly condition: Condition;
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
export function planFilter(filter: unknown, context: ReadContext): Condition {
  return check((issues) => filterCondition(filter, context.definition, context.vocabulary, issues));
}

/** @throws ValidationError with every fault of the filter, the order, the limit and the selection */
export function planFind(
  filter: unknown,
  options: { readonly orderBy?: unknown; readonly limit?: unknown; readonly select?: unknown },
  context: ReadContext,
): FindPlan {
  const { definition } = context;
  return check((issues) => ({
    condition: filterCondition(filter, definition, context.vocabulary, issues),
    order: resolveOrder(options.orderBy, definition, definition.key, issues),
    limit: options.limit === undefined ? undefined : checkLimit(options.limit, findLimit, issues),
    names:
      options.select === undefined ? definition.names : checkSelection(options.select, definition, issues),
  }));
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
  return check((issues) => {
    const condition = filterCondition(filter, definition, context.vocabulary, issues);
    const known = issues.length;
    const order = resolveOrder(orderBy, definition, definition.key, issues);
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
    return { condition, order, limit: checkLimit(limit, pageLimit, issues), gap, direction };
  });
}

/** @throws ValidationError with every fault of the filter, the order and the chunk size */
export function planStream(
  filter: unknown,
  options: { readonly orderBy?: unknown; readonly chunkSize?: unknown },
  context: ReadContext,
): StreamPlan {
  const { definition } = context;
  return check((issues) => ({
    condition: filterCondition(filter, definition, context.vocabulary, issues),
    order: resolveOrder(options.orderBy, definition, definition.key, issues),
    chunkSize: checkLimit(options.chunkSize ?? defaultChunkSize, chunkLimit, issues),
  }));
}

/**
 * The condition of the one row that has a key.
 *
 * @param key the value of the key's column; an object of values by column where there are several
 * @throws ValidationError where the key is incomplete or a part does not fit its column
 */
export function planKey(key: unknown, { definition, vocabulary }: ReadContext): Condition {
  return check((issues) => {
    const single = definition.key.length === 1;
    if (!single && (typeof key !== 'object' || key === null)) {
      const names = definition.key.map(({ name }) => name).join(', ');
      issues.push({ path: ['key'], message: `must be an object with ${names}` });
      return nothing;
    }
    const conditions = definition.key.map(({ name, kind }) => {
      const path = single ? ['key'] : ['key', name];
      const value = single ? key : (key as Readonly<Record<string, unknown>>)[name];
      if (value === null || value === undefined) {
        issues.push({ path, message: 'must be given' });
        return nothing;
      }
      return compare({ expression: sql.ref(name), kind }, 'eq', value, path, { vocabulary, issues });
    });
    return allOf(conditions);
  });
}

function checkSelection(select: unknown, definition: TableDefinition, issues: Issue[]): readonly string[] {
  if (!Array.isArray(select) || select.length === 0) {
    issues.push({ path: ['select'], message: 'must be a list of at least one column' });
    return [];
  }
  const names = Array.from(select, (name: unknown, index) => {
    const known = typeof name === 'string' && definition.columns.has(name);
    if (!known) issues.push(unknownColumn(['select', index], definition));
    return String(name);
  });
  if (new Set(names).size < names.length) issues.push({ path: ['select'], message: 'names a column twice' });
  return names;
}

function check<Plan>(plan: (issues: Issue[]) => Plan): Plan {
  const issues: Issue[] = [];
  const planned = plan(issues);
  if (issues.length > maxIssues) {
    const message = `and ${issues.length - maxIssues} faults more`;
    throw new ValidationError([...issues.slice(0, maxIssues), { path: [], message }]);
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return planned;
}

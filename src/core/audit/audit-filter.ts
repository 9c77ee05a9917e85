import type { Actor } from '../foundation/actor-context.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { Filter } from '../query/filter.ts';
import type { AuditLogsTable } from './audit-tables.ts';
import { checkText } from './check-text.ts';

/** Which entries are meant: all that is said must hold. An empty filter means every entry. */
export interface AuditFilter {
  /** Who did it: an id, or a type with or without one. */
  readonly actor?: string | { readonly type?: Actor['type']; readonly id?: string } | undefined;
  /** What it was done to: a type, or a type with an id. */
  readonly entity?: string | { readonly type: string; readonly id?: string } | undefined;
  /** What was done: an action, or one of several. */
  readonly action?: string | readonly string[] | undefined;
  /** Recorded at this time or later, in epoch ms. */
  readonly from?: number | undefined;
  /** Recorded before this time, in epoch ms. */
  readonly to?: number | undefined;
  /** The tenant in which it was done. */
  readonly tenant?: string | undefined;
  /** The chain that it is in. */
  readonly stream?: string | undefined;
  /** The request in which it was done. */
  readonly requestId?: string | undefined;
  /** The trace in which it was done. */
  readonly traceId?: string | undefined;
  /**
   * A text that stands in its changes, reason or metadata, literally and in this case. No index serves it: what else
   * the filter says should leave few entries to look through.
   */
  readonly text?: string | undefined;
}

const actorTypes: ReadonlySet<unknown> = new Set<Actor['type']>(['user', 'service', 'system']);
const mostActions = 100;

/** The members that each name one column, and ask for its value. */
const plainMembers = {
  tenant: 'tenant',
  stream: 'stream',
  requestId: 'request_id',
  traceId: 'trace_id',
} as const;

const members: ReadonlySet<string> = new Set([
  ...Object.keys(plainMembers),
  'actor',
  'entity',
  'action',
  'from',
  'to',
  'text',
]);

/**
 * Turns what a caller asks for into the filter of the table. A name that it does not know is refused: a filter that
 * is read as less than was written would show, export or purge what nobody meant.
 *
 * @param filter what the caller wrote
 * @throws ValidationError with every fault
 */
export function readAuditFilter(filter: AuditFilter): Filter<AuditLogsTable> {
  const issues: Issue[] = [];
  const conditions = isObject(filter) ? conditionsOf(filter, issues) : undefined;
  if (conditions === undefined)
    issues.push({ path: ['filter'], message: 'must be an object; {} means every entry' });
  if (conditions === undefined || issues.length > 0) throw new ValidationError(issues);
  return conditions;
}

function conditionsOf(filter: AuditFilter, issues: Issue[]): Filter<AuditLogsTable> {
  checkMembers(filter, members, ['filter'], issues);
  const { actor, entity, action, from, to, text } = filter;
  const conditions: Record<string, unknown> = {};
  const ask = (column: string, value: unknown, path: Issue['path']): void => {
    if (value !== undefined && checkText(value, path, issues)) conditions[column] = value;
  };
  for (const [name, column] of Object.entries(plainMembers)) {
    ask(column, filter[name as keyof typeof plainMembers], ['filter', name]);
  }
  if (typeof actor === 'string') {
    ask('actor_id', actor, ['filter', 'actor']);
  } else if (checkPart(actor, ['filter', 'actor'], issues)) {
    if (actor.type !== undefined && !actorTypes.has(actor.type)) {
      issues.push({
        path: ['filter', 'actor', 'type'],
        message: `must be one of ${[...actorTypes].join(', ')}`,
      });
    }
    ask('actor_type', actor.type, ['filter', 'actor', 'type']);
    ask('actor_id', actor.id, ['filter', 'actor', 'id']);
  }
  if (typeof entity === 'string') {
    ask('entity_type', entity, ['filter', 'entity']);
  } else if (checkPart(entity, ['filter', 'entity'], issues)) {
    ask('entity_type', entity.type, ['filter', 'entity', 'type']);
    ask('entity_id', entity.id, ['filter', 'entity', 'id']);
  }
  if (Array.isArray(action)) {
    if (action.length === 0 || action.length > mostActions) {
      issues.push({ path: ['filter', 'action'], message: `must be 1 to ${mostActions} actions` });
    }
    action.forEach((each: unknown, index) => checkText(each, ['filter', 'action', index], issues));
    conditions['action'] = { in: action };
  } else {
    ask('action', action, ['filter', 'action']);
  }
  const range: Record<string, number> = {};
  if (checkTime(from, 'from', issues)) range['gte'] = from;
  if (checkTime(to, 'to', issues)) range['lt'] = to;
  if (from !== undefined || to !== undefined) conditions['recorded_at'] = range;
  // As it stands in the stored JSON, where quotes and line ends are escaped.
  if (text !== undefined && checkText(text, ['filter', 'text'], issues)) {
    conditions['content'] = { contains: JSON.stringify(text).slice(1, -1) };
  }
  return conditions;
}

/** A filter or a scope without the members that say nothing, to be stored as JSON. */
export function saidOf<What extends object>(what: What): Partial<What> {
  return Object.fromEntries(Object.entries(what).filter(([, value]) => value !== undefined)) as Partial<What>;
}

/** Notes every member of an object that is none of the known ones. */
export function checkMembers(
  value: object,
  known: ReadonlySet<string>,
  path: Issue['path'],
  issues: Issue[],
): void {
  for (const name of Object.keys(value)) {
    if (!known.has(name)) {
      issues.push({ path: [...path, name], message: `is unknown; there are ${[...known].join(', ')}` });
    }
  }
}

const partMembers: ReadonlySet<string> = new Set(['type', 'id']);

function checkPart<Part extends object>(
  part: Part | undefined,
  path: Issue['path'],
  issues: Issue[],
): part is Part {
  if (part === undefined) return false;
  if (isObject(part)) checkMembers(part, partMembers, path, issues);
  if (isObject(part) && Object.values(part).some((value) => value !== undefined)) return true;
  issues.push({ path, message: 'must be text, or an object with a type or an id' });
  return false;
}

function checkTime(time: number | undefined, name: string, issues: Issue[]): time is number {
  if (time === undefined || Number.isSafeInteger(time)) return time !== undefined;
  issues.push({ path: ['filter', name], message: 'must be a time in epoch ms, a whole number' });
  return false;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

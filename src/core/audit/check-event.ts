import { isPlainObject } from '../config/plain-object.ts';
import type { Actor } from '../foundation/actor-context.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { MacKeys } from '../foundation/mac-keys.ts';
import type { AuditEvent, FieldChange } from './audit-event.ts';
import { checkMembers } from './audit-filter.ts';
import { canonicalJson } from './canonical-json.ts';
import type { RowFacts } from './chain-row.ts';
import { checkText } from './check-text.ts';

/** How events are checked, and made into rows. */
export interface EventRules {
  readonly keys: MacKeys;
  /** Names the stream of an event; by its tenant or its entity where it is undefined. */
  readonly stream: ((event: AuditEvent) => string) | undefined;
  readonly requireActor: boolean;
}

/** What an event is given by the place where it is recorded. */
export interface EventContext {
  readonly id: string;
  readonly recordedAt: number;
  readonly actor: Actor | undefined;
}

const longestName = 255;
const longestReason = 2_000;
/** The longest value that a change keeps, and the longest content, as canonical JSON in UTF-16 units. */
const longestValue = 65_536;
const longestContent = 1_048_576;
const eventMembers: ReadonlySet<string> = new Set([
  'action',
  'entity',
  'changes',
  'reason',
  'actor',
  'tenant',
  'requestId',
  'traceId',
  'metadata',
] satisfies (keyof AuditEvent)[]);
const actorTypes: readonly unknown[] = ['user', 'service', 'system'];

/**
 * Checks an event and makes it into what a row tells. What the caller changes later changes nothing of it.
 *
 * @throws ValidationError with every fault
 */
export function checkEvent(event: AuditEvent, rules: EventRules, context: EventContext): RowFacts {
  const issues: Issue[] = [];
  const checkName = (name: unknown, path: Issue['path']) => checkText(name, path, issues, longestName);
  if (typeof event !== 'object' || event === null) {
    throw new ValidationError([{ path: ['event'], message: 'must be an object with an action' }]);
  }
  // A misspelt `reason` could never be put right: the row stays as it is.
  checkMembers(event, eventMembers, [], issues);
  const actor = event.actor === undefined ? context.actor : (event.actor ?? undefined);
  const tenant = event.tenant === undefined ? actor?.tenant : (event.tenant ?? undefined);
  const requestId = event.requestId ?? actor?.requestId;
  const { action, entity, traceId, reason } = event;
  checkName(action, ['action']);
  if (actor === undefined && rules.requireActor) {
    const message = 'must be known: run the work by runAs, or hand in `actor`';
    issues.push({ path: ['actor'], message });
  }
  if (actor !== undefined) {
    checkName(actor.id, ['actor', 'id']);
    if (!actorTypes.includes(actor.type))
      issues.push({ path: ['actor', 'type'], message: 'must be user, service or system' });
  }
  if (entity !== undefined) {
    checkName(entity.type, ['entity', 'type']);
    if (entity.id !== undefined) checkName(entity.id, ['entity', 'id']);
  }
  if (tenant !== undefined) checkName(tenant, ['tenant']);
  if (requestId !== undefined) checkName(requestId, ['requestId']);
  if (traceId !== undefined) checkName(traceId, ['traceId']);
  if (reason !== undefined) checkText(reason, ['reason'], issues, longestReason);
  const content = contentOf(event, rules.keys, issues);
  if (issues.length > 0) throw new ValidationError(issues);
  const stream = rules.stream?.(event) ?? streamOf(tenant, entity?.type);
  checkText(stream, ['stream'], issues, longestName + 'tenant:'.length);
  if (issues.length > 0) throw new ValidationError(issues);
  return {
    stream,
    id: context.id,
    recorded_at: context.recordedAt,
    tenant: tenant ?? null,
    actor_type: actor?.type ?? null,
    actor_id: actor?.id ?? null,
    action,
    entity_type: entity?.type ?? null,
    entity_id: entity?.id ?? null,
    request_id: requestId ?? null,
    trace_id: traceId ?? null,
    content,
  };
}

function streamOf(tenant: string | undefined, entityType: string | undefined): string {
  if (tenant !== undefined) return `tenant:${tenant}`;
  return entityType === undefined ? 'audit' : `entity:${entityType}`;
}

/** The members in the order of their names, as canonical JSON has them. */
function contentOf(event: AuditEvent, keys: MacKeys, issues: Issue[]): string {
  const { changes, metadata, reason, entity } = event;
  const members: string[] = [];
  if (changes !== undefined) {
    const written = writeChanges(changes, entity?.type ?? '', keys, issues);
    if (written.length > 0) members.push(`"changes":[${written.join(',')}]`);
  }
  if (metadata !== undefined) {
    if (!isPlainObject(metadata)) issues.push({ path: ['metadata'], message: 'must be a plain object' });
    else members.push(`"metadata":${gather(issues, [], () => canonicalJson(metadata, 'metadata'))}`);
  }
  if (typeof reason === 'string') members.push(`"reason":${JSON.stringify(reason)}`);
  const content = `{${members.join(',')}}`;
  if (content.length > longestContent) {
    const message = `must be at most ${longestContent} characters of JSON together with the metadata`;
    issues.push({ path: ['changes'], message });
  }
  return content;
}

function writeChanges(changes: unknown, entity: string, keys: MacKeys, issues: Issue[]): string[] {
  if (!Array.isArray(changes)) {
    issues.push({ path: ['changes'], message: 'must be a list' });
    return [];
  }
  return (changes as unknown[]).map((change, index) => {
    if (!isPlainObject(change)) {
      issues.push({ path: ['changes', index], message: 'must be { field, old, new }' });
      return '';
    }
    const { field } = change as unknown as FieldChange;
    checkText(field, ['changes', index, 'field'], issues, longestName);
    const members = [`"field":${JSON.stringify(field)}`];
    for (const side of ['new', 'old'] as const) {
      const value: unknown = change[side];
      if (value === undefined) continue;
      const text = gather(issues, ['changes', index], () => canonicalJson(value, side));
      members.push(`"${side}":${shorten(text, [entity, field], keys)}`);
    }
    return `{${members.join(',')}}`;
  });
}

/** No change of the application fails because of how long its values are. */
function shorten(text: string, place: readonly string[], keys: MacKeys): string {
  if (text.length <= longestValue) return text;
  const code = keys.mac('audit digest', JSON.stringify(place) + text);
  return canonicalJson({ $digest: `${keys.activeId}:${code}`, length: text.length });
}

function gather(issues: Issue[], path: Issue['path'], encode: () => string): string {
  try {
    return encode();
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    issues.push(...error.issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] })));
    return 'null';
  }
}

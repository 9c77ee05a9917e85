import type { AuditEntry, EntityVersion } from '../core/audit/index.ts';

/** An entry as one line for people: with its id, which `audit diff` takes, and its place, which a fault names. */
export function describeEntry(entry: AuditEntry): string {
  const { recordedAt, id, stream, seq, actor, action, entity, changes, reason, isErased } = entry;
  const parts = [
    new Date(recordedAt).toISOString(),
    id,
    `${stream}#${seq}`,
    actor === undefined ? 'nobody known' : joinParts(actor.type, actor.id),
    action,
    entity === undefined ? '-' : joinParts(entity.type, entity.id),
    ...(changes.length === 0 ? [] : [changes.map(({ field }) => field).join(', ')]),
    ...(reason === undefined ? [] : [`(${reason})`]),
    ...(isErased ? ['[erased]'] : []),
  ];
  return plain(parts.join('  '));
}

/** A version of an entity as lines for people: the entry, and the entity behind it. */
export function describeVersion({ entry, state, isComplete }: EntityVersion): string[] {
  const what = state === undefined ? 'gone' : JSON.stringify(state);
  return [describeEntry(entry), plain(`    ${isComplete ? '' : 'as far as is known: '}${what}`)];
}

/** Entries hold what anybody has written: nothing of it may steer the terminal. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ');
}

function joinParts(type: string, id: string | undefined): string {
  return id === undefined ? type : `${type}:${id}`;
}
